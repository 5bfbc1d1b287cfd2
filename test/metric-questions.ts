import type { Baseline } from '../src/attribution/baseline.ts';
import type { MetricName } from '../src/evaluation/metrics/index.ts';
import type { Explanation } from '../src/evaluation/metrics/metric.ts';
import { ask, type Question } from '../src/evaluation/question.ts';
import { readyMetric, scoreWith } from '../src/evaluation/score.ts';
import { linearModel, row } from './evaluation-models.ts';

export const zero: Baseline = { kind: 'zero' };
export const output = { kind: 'output', index: [0] } as const;

/** f(x) = 4x₀ + 3x₁ + 2x₂ + x₃, whose attributions at `ones` are its weights. */
export const weights = [4, 3, 2, 1];
export const linear = linearModel(weights);
export const ones = row(1, 1, 1, 1);

export const askLinear = (truth?: Uint8Array) => ask(linear, { inputs: ones, target: output, reference: zero, truth });

/** What a metric says of a map with these values. */
export async function score(
  question: Question,
  name: MetricName,
  values: readonly number[],
  parameters = {},
  rest: Partial<Explanation> = {},
) {
  const explanation = { map: { values: Float64Array.from(values) }, ...rest };
  return (await scoreWith(readyMetric({ name, parameters }), question, explanation)).score;
}
