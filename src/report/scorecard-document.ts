import { z } from 'zod';
import type { Attribution } from '../attribution/attribute.ts';
import type { Baseline } from '../attribution/baseline.ts';
import type { WorkOptions } from '../attribution/prepare.ts';
import type { LoadedModel } from '../data/load-model.ts';
import type { ModelInput } from '../data/model-input.ts';
import { scorecard } from '../evaluation/scorecard.ts';
import { inputGroups } from './input-groups.ts';

/** How good an explanation is, as its document holds it. */
export const scorecardSchema = z.object({
  entries: z.array(
    z.object({
      metric: z.string(),
      title: z.string(),
      direction: z.enum(['higher', 'lower']),
      score: z.number(),
      /** Least and largest score over the references. */
      low: z.number(),
      high: z.number(),
      parts: z.record(z.string(), z.number()),
    }),
  ),
  /** What removed features were replaced by. */
  reference: z.string(),
  /** References behind the intervals, the first one included. */
  references: z.array(z.string()),
  /** Why scores may rank wrongly: the reference still shows what it should hide. */
  warning: z.string().nullable(),
  notes: z.array(z.string()),
  cost: z.object({ forward: z.int(), backward: z.int() }),
});

export type ScorecardDocument = z.infer<typeof scorecardSchema>;

/** What is scored: an attribution of an input, with the baseline that was stated even where the method did not use it. */
export interface ScoredAttribution {
  readonly input: ModelInput;
  readonly baseline: Baseline;
  readonly explained: readonly string[];
  readonly attribution: Attribution;
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
  const card = await scorecard(model, {
    inputs: input.tensors,
    target: attribution.target,
    explained,
    layout: input.layout,
    groups: inputGroups(input),
    reference: baseline,
    values: attribution.values,
    sum: attribution.sum,
    difference: attribution.attributionTarget,
    seed: options.seed,
    byteBudget: options.byteBudget,
    signal: options.signal,
  });
  return {
    entries: card.entries.map(({ range: _, ...entry }) => ({ ...entry, parts: { ...entry.parts } })),
    reference: card.reference,
    references: [...card.references],
    warning: card.referenceTest?.warning ?? null,
    notes: card.notes.filter((note) => note !== card.referenceTest?.warning),
    cost: card.passes,
  };
}
