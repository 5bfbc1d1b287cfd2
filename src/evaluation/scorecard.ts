import { type Baseline, describeBaseline, type InputBaseline, type InputLayout } from '../attribution/baseline.ts';
import type { ValueKind } from '../attribution/methods/method.ts';
import type { WorkOptions } from '../attribution/prepared.ts';
import type { Target } from '../attribution/targets/kinds/index.ts';
import type { Model } from '../runtime/model.ts';
import type { Tensors } from '../runtime/runtime.ts';
import { maxOf, minOf } from '../tensor/extremes.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Grouping } from './groups.ts';
import { mapOf } from './map.ts';
import type { MetricName } from './metrics/index.ts';
import { type Direction, noPasses } from './metrics/metric.ts';
import { ask, type Question } from './question.ts';
import { type ReferenceTest, testReference } from './reference-test.ts';
import { readyMetric, scoreWith } from './score.ts';

/** The metrics of a scorecard, cheap enough for every explanation. */
export const scorecardMetrics = [
  'attribution-error',
  'msi-literal',
  'msi-tolerant',
  'sufficiency',
  'comprehensiveness',
  'insertion',
  'deletion',
] as const satisfies readonly MetricName[];

export interface ScorecardRequest extends WorkOptions {
  readonly inputs: Tensors;
  readonly target: Target;
  readonly explained?: readonly string[];
  readonly layout?: InputLayout;
  /** Columns, words. Default: positions of space, else single elements. */
  readonly groups?: Grouping['groups'];
  /** What removed features are replaced by: the baseline of the explanation, or another. */
  readonly reference: Baseline;
  /** Other references, over which the spread of each score is told. Default: {@link defaultReferences}. */
  readonly otherReferences?: readonly Baseline[];
  /** The attribution, by value of the layer, and its sum. */
  readonly values: ReadonlyMap<string, Tensor<'float32'>>;
  readonly sum: number;
  /** What the values are. Default shares. */
  readonly kind?: ValueKind;
  /** The difference that the attribution accounts for. Default: that from the reference. */
  readonly difference?: number;
  /** Points of the insertion and deletion curves. Default 16. */
  readonly steps?: number;
  readonly seed?: number;
}

export interface ScorecardEntry {
  readonly metric: MetricName;
  readonly title: string;
  readonly direction: Direction;
  readonly range: readonly [number, number];
  /** With the reference of the explanation. */
  readonly score: number;
  /** Least and largest score over all references that hide the explained class; equal ends where only one does. */
  readonly low: number;
  readonly high: number;
  readonly parts: Readonly<Record<string, number>>;
}

/** How good one explanation of one input is. */
export interface Scorecard {
  readonly entries: readonly ScorecardEntry[];
  readonly reference: string;
  /** References behind the ranges, the first one included. */
  readonly references: readonly string[];
  readonly referenceTest: ReferenceTest | undefined;
  readonly notes: readonly string[];
  readonly passes: { readonly forward: number; readonly backward: number };
}

/**
 * Scores one explanation: attribution error, MSI, sufficiency, necessity, insertion and deletion.
 *
 * One input gives no confidence interval. What is uncertain about a score of one input is the reference, so each score
 * comes with its range, from the least to the largest, over the references that hide the explained class.
 * @throws WhereforeError as `ask`; `wrong-shape` for a layer that does not lie over the input
 */
export async function scorecard(model: Model, request: ScorecardRequest): Promise<Scorecard> {
  const { inputs, layout, reference, values, sum, seed, steps = 16 } = request;
  const question = await ask(model, request);
  const map = mapOf(values, question.groups, layout, request.kind);
  const test = await testReference(question);
  const others = request.otherReferences ?? defaultReferences(inputs, question.explained, reference);
  const questions: Question[] = [question];
  const notes: string[] = test?.warning ? [test.warning] : [];
  for (const other of others) {
    const asked = await ask(model, { ...request, reference: other });
    const passes = (await testReference(asked))?.passes ?? true;
    if (passes) questions.push(asked);
    else notes.push(`${describeBaseline(other)} does not hide the explained class and is left out of the ranges`);
  }
  const entries: ScorecardEntry[] = [];
  for (const name of scorecardMetrics) {
    const curve = name === 'insertion' || name === 'deletion';
    const ready = readyMetric({ name, parameters: curve ? { steps } : {} });
    // The error is that of the stated difference; another reference would ask about another one.
    const asked = name === 'attribution-error' ? [question] : questions;
    const results = [];
    for (const one of asked) results.push(await scoreWith(ready, one, { map, sum, difference: request.difference }));
    const scores = results.map(({ score }) => score);
    for (const note of results[0].notes ?? []) notes.push(`${ready.metric.title}: ${note}`);
    entries.push({
      metric: name,
      title: ready.metric.title,
      direction: ready.metric.direction,
      range: ready.metric.range,
      score: scores[0],
      low: minOf(scores),
      high: maxOf(scores),
      parts: results[0].parts ?? {},
    });
  }
  const spent = questions.reduce(
    (total, one) => ({
      forward: total.forward + one.passes().forward,
      backward: total.backward + one.passes().backward,
    }),
    noPasses,
  );
  return {
    entries,
    reference: describeBaseline(reference),
    references: questions.map((one) => describeBaseline(one.reference)),
    referenceTest: test,
    notes: seed === undefined ? notes : [...notes, `seed ${seed}`],
    passes: spent,
  };
}

/** References other than the stated one that suit the kind of input: its mean and noise like it, or other tokens. */
export function defaultReferences(inputs: Tensors, explained: readonly string[], reference: Baseline): Baseline[] {
  const candidates = [
    byType(inputs, explained, { kind: 'mean' }, { kind: 'tokens', id: 0 }),
    byType(inputs, explained, { kind: 'noise', seed: 0 }, { kind: 'tokens', id: 1 }),
  ];
  // Normal noise leaves the range of bytes.
  const isFloat = explained.every((name) => ['float32', 'int64'].includes((inputs.get(name) as Tensor).type));
  if (!isFloat) candidates.pop();
  return candidates.filter((candidate) => JSON.stringify(candidate) !== JSON.stringify(reference));
}

/** One baseline for inputs of numbers and another for those of tokens. */
function byType(
  inputs: Tensors,
  explained: readonly string[],
  numbers: InputBaseline,
  tokens: InputBaseline,
): Baseline {
  const own = (name: string) => ((inputs.get(name) as Tensor).type === 'int64' ? tokens : numbers);
  const first = own(explained[0]);
  if (explained.every((name) => own(name) === first)) return first;
  return { kind: 'each', baselines: new Map(explained.map((name) => [name, own(name)])) };
}
