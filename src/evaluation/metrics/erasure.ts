import * as z from 'zod/mini';
import type { AttributionMap } from '../map.ts';
import { descending, maskedPoints } from '../perturbation.ts';
import { type Question, signOf, towardsInput } from '../question.ts';
import { meanOf } from '../statistics.ts';
import type { Direction, Metric } from './metric.ts';

const parameters = z.strictObject({
  /** Shares of the features that count as the explanation. */
  shares: z._default(
    z.array(z.number().check(z.gt(0), z.maximum(1))).check(z.minLength(1)),
    [0.01, 0.05, 0.1, 0.2, 0.5],
  ),
});

export type ErasureParameters = z.infer<typeof parameters>;

/**
 * Mean of `c(x) − c(z)` over the shares, z with only or without the most relevant features; of `c(z) − c(x)` where the
 * confidence falls from the reference to the input.
 */
async function meanDrop(
  question: Question,
  map: AttributionMap,
  shares: readonly number[],
  keeps: boolean,
): Promise<number> {
  const order = descending(towardsInput(question, map).values, question.seed);
  const counts = shares.map((share) => Math.max(1, Math.round(share * order.length)));
  const points = maskedPoints(question, counts.length, (point, keep) => {
    keep.fill(keeps ? 0 : 1);
    for (let i = 0; i < counts[point]; i++) keep[order[i]] = keeps ? 1 : 0;
  });
  const confidences = await question.confidenceAt(points);
  return signOf(question) * (question.confidence - meanOf(confidences));
}

function erasureMetric<D extends Direction>(
  title: string,
  formula: string,
  keeps: boolean,
  direction: D,
): Metric<ErasureParameters, D> {
  return {
    title,
    family: 'faithfulness',
    judgedBy: 'consensus',
    formula,
    source: 'DeYoung et al. 2020, ACL (ERASER), with the area over its bins (AOPC)',
    range: [-1, 1],
    direction,
    assumes:
      'a fifth to a half of the features can hold the explanation; the reference removes features without adding others',
    sensitivity: 'shares: small ones ask for the peak of the map, large ones forgive its tail',
    needs: 'map',
    parameters: parameters as z.core.$ZodType<ErasureParameters>,
    cost: ({ shares }) => ({ forward: shares.length, backward: 0 }),
    run: async (question, { map }, { shares }) => ({ score: await meanDrop(question, map, shares, keeps) }),
  };
}

export const sufficiency = erasureMetric('Sufficiency', 'mean_q c(x) − c(only the top q)', true, 'lower');
export const comprehensiveness = erasureMetric(
  'Comprehensiveness (necessity)',
  'mean_q c(x) − c(x without the top q)',
  false,
  'higher',
);
