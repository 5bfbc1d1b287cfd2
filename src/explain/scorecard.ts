import * as z from 'zod/mini';
import type { Attribution } from '../attribution/attribute.ts';
import type { Baseline } from '../attribution/baseline.ts';
import { methods as methodTable } from '../attribution/methods/index.ts';
import { batchingCheck } from '../attribution/prepare.ts';
import type { Passes, WorkOptions } from '../attribution/prepared.ts';
import type { ModelInput } from '../data/inputs/model-input.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import { type ErrorCode, WhereforeError } from '../errors.ts';
import { groupsOf } from '../evaluation/groups.ts';
import { metrics as metricTable } from '../evaluation/metrics/index.ts';
import { defaultReferences, scorecard, scorecardMetrics } from '../evaluation/scorecard.ts';
import { allPasses } from './all-passes.ts';
import { inputGroups } from './input-groups.ts';
import type { ScorecardDocument, Scored } from './scorecard-document.ts';

/** What is scored: an attribution of an input, with the baseline that was stated even where the method did not use it. */
export interface ScoredAttribution {
  readonly input: Pick<ModelInput, 'tensors' | 'layout' | 'groups'>;
  readonly baseline: Baseline;
  readonly explained: readonly string[];
  readonly attribution: Pick<Attribution, 'target' | 'values' | 'sum' | 'attributionTarget' | 'method'>;
}

/**
 * The scorecard of an explanation, for its document.
 * @throws WhereforeError as `scorecard`, e.g. `wrong-shape` for a layer that does not lie over the input
 */
export async function scorecardDocument(
  model: LoadedModel,
  { input, baseline, explained, attribution }: ScoredAttribution,
  options: WorkOptions & { readonly seed?: number } = {},
): Promise<ScorecardDocument> {
  const started = performance.now();
  const { kind } = methodTable[attribution.method].meaning;
  const card = await scorecard(model, {
    inputs: input.tensors,
    target: attribution.target,
    explained,
    layout: input.layout,
    groups: inputGroups(input),
    reference: baseline,
    values: attribution.values,
    kind,
    sum: attribution.sum,
    difference: attribution.attributionTarget,
    seed: options.seed,
    byteBudget: options.byteBudget,
    signal: options.signal,
    onProgress: options.onProgress && allPasses(options.onProgress),
  });
  return {
    entries: card.entries
      .filter(({ metric }) => kind === 'share' || metric !== 'attribution-error')
      .map(({ range: _, ...entry }) => ({ ...entry, parts: { ...entry.parts } })),
    reference: card.reference,
    references: [...card.references],
    warning: card.referenceTest?.warning ?? null,
    notes: [
      ...card.notes.filter((note) => note !== card.referenceTest?.warning),
      ...(card.referenceTest ? [] : [noClass]),
    ],
    cost: { ...card.passes, seconds: (performance.now() - started) / 1000 },
  };
}

const noClass =
  'the target is no class: the scores follow its own value, from 0 at the reference to 1 at the input, and whether the reference still shows what it should hide is not tested';

/** Forward passes that readying one reference takes at most: the target and the confidence at two points, and the test of others. */
const readying = 14;

/** The most passes that {@link scorecardDocument} will take. */
export function scorecardCost({ input, baseline, explained }: Omit<ScoredAttribution, 'attribution'>): Passes {
  const { count } = groupsOf(input.tensors, explained, input.layout, { groups: inputGroups(input) });
  const references = 1 + defaultReferences(input.tensors, explained, baseline).length;
  // Both presets of MSI read the same curves.
  const paid = scorecardMetrics.filter((name) => name !== 'msi-tolerant');
  const once = paid.reduce((sum, name) => {
    const { cost, parameters } = metricTable[name];
    return sum + cost(z.parse(parameters, {}), count).forward;
  }, readying);
  return { forward: 2 * batchingCheck + references * once, backward: 0 };
}

/** A scorecard where one can be made: an explanation is worth keeping without. */
export async function tryScorecard(
  model: LoadedModel,
  scored: ScoredAttribution,
  options: WorkOptions & { readonly seed?: number } = {},
): Promise<Scored> {
  try {
    return { scorecard: await scorecardDocument(model, scored, options) };
  } catch (error) {
    if (!(error instanceof WhereforeError) || !unscorable.includes(error.code)) throw error;
    return { missing: `no scorecard: ${error.message}` };
  }
}

/** What an explanation or a question without scores fails with; anything else is an error. */
const unscorable: readonly ErrorCode[] = ['wrong-shape', 'wrong-type', 'invalid-argument'];
