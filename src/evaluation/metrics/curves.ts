import * as z from 'zod/mini';
import { mapped } from '../../tensor/filled.ts';
import { ascending, descending, maskedPoints } from '../perturbation.ts';
import { normalisedConfidence, type Question, towardsInput } from '../question.ts';
import { meanUnderCurve } from '../statistics.ts';
import type { Direction, Metric } from './metric.ts';

const parameters = z.strictObject({
  /** Points of the curve between nothing and everything. */
  steps: z._default(z.int().check(z.minimum(1), z.maximum(10_000)), 16),
});

export type CurveParameters = z.infer<typeof parameters>;

/** `p̂` as groups are added to the reference or taken from the input in an order, with the share that was moved. */
export interface Curve {
  readonly shares: Float64Array;
  readonly values: Float64Array;
}

/** Groups moved at each of the points of a curve: round(k·G/(steps + 1)), each number once. */
export function curveCounts(groups: number, steps: number): number[] {
  const counts = Array.from({ length: steps }, (_, k) => Math.round(((k + 1) * groups) / (steps + 1)));
  return [...new Set(counts)].filter((count) => count > 0 && count < groups);
}

export async function perturbationCurve(
  question: Question,
  order: Uint32Array,
  kind: 'insertion' | 'deletion',
  steps: number,
): Promise<Curve> {
  const groups = order.length;
  const counts = curveCounts(groups, steps);
  const [moved, others] = kind === 'insertion' ? [1, 0] : [0, 1];
  const points = maskedPoints(question, counts.length, (point, keep) => {
    keep.fill(others);
    for (let i = 0; i < counts[point]; i++) keep[order[i]] = moved;
  });
  const inner = counts.length ? await question.confidenceAt(points) : new Float64Array();
  const [first, last] =
    kind === 'insertion'
      ? [question.referenceConfidence, question.confidence]
      : [question.confidence, question.referenceConfidence];
  return {
    shares: mapped(Float64Array, [0, ...counts, groups], (count) => count / groups),
    values: mapped(Float64Array, [first, ...inner, last], (value) => normalisedConfidence(question, value)),
  };
}

function curveMetric<D extends Direction>(
  title: string,
  formula: string,
  kind: 'insertion' | 'deletion',
  first: 'most' | 'least',
  direction: D,
): Metric<CurveParameters, D> {
  return {
    title,
    family: 'faithfulness',
    judgedBy: 'consensus',
    formula,
    source: 'Petsiuk, Das, Saenko 2018, arXiv 1806.07421 (RISE); order after Samek et al. 2017, IEEE TNNLS 28',
    range: [0, 1],
    direction,
    assumes:
      'the reference removes features without adding others; half-filled inputs are unlike any the model was trained on',
    sensitivity: 'steps: more resolve sharp edges of the curve; the reference changes the score most',
    needs: 'map',
    parameters: parameters as z.core.$ZodType<CurveParameters>,
    cost: ({ steps }, groups) => ({ forward: Math.min(steps, Math.max(0, groups - 1)), backward: 0 }),
    async run(question, { map }, { steps }) {
      const { values: relevance } = towardsInput(question, map);
      const order = first === 'most' ? descending(relevance, question.seed) : ascending(relevance, question.seed);
      const { shares, values } = await perturbationCurve(question, order, kind, steps);
      return { score: meanUnderCurve(shares, values) };
    },
  };
}

export const insertion = curveMetric(
  'Insertion (MoRF)',
  'AUC of p̂ as features are added to b, most relevant first',
  'insertion',
  'most',
  'higher',
);
export const deletion = curveMetric(
  'Deletion (MoRF)',
  'AUC of p̂ as features are removed from x, most relevant first',
  'deletion',
  'most',
  'lower',
);
export const insertionLeRF = curveMetric(
  'Insertion (LeRF)',
  'AUC of p̂ as features are added to b, least relevant first',
  'insertion',
  'least',
  'lower',
);
export const deletionLeRF = curveMetric(
  'Deletion (LeRF)',
  'AUC of p̂ as features are removed from x, least relevant first',
  'deletion',
  'least',
  'higher',
);
