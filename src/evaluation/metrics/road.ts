import * as z from 'zod/mini';
import type { Points } from '../../attribution/points.ts';
import { WhereforeError } from '../../errors.ts';
import { random } from '../../tensor/random.ts';
import { float32, type Tensor } from '../../tensor/tensor.ts';
import { impute } from '../imputation.ts';
import { ascending, descending } from '../perturbation.ts';
import { type Question, signOf, towardsInput } from '../question.ts';
import { meanOf } from '../statistics.ts';
import type { Metric } from './metric.ts';

const parameters = z.strictObject({
  /** Shares of the features that are removed. */
  shares: z._default(z.array(z.number().check(z.gt(0), z.lt(1))).check(z.minLength(1)), [0.1, 0.3, 0.5, 0.7, 0.9]),
  /** Standard deviation of the noise on imputed values, as a share of the input's own. */
  noise: z._default(z.number().check(z.minimum(0), z.maximum(1)), 0.1),
});

export type RoadParameters = z.infer<typeof parameters>;

/** Remove and debias: features are not set to a reference but guessed from their neighbours, so that their absence does not show. */
export const road: Metric<RoadParameters, 'higher'> = {
  title: 'ROAD',
  family: 'faithfulness',
  judgedBy: 'consensus',
  formula:
    'mean_q c(x without the q least relevant) − c(x without the q most relevant), imputed from neighbours with noise',
  source: 'Rong et al. 2022, arXiv 2202.00449',
  range: [-1, 1],
  direction: 'higher',
  assumes: 'neighbours resemble each other, as in images and series; tables and tokens have no neighbours',
  sensitivity: 'shares: small ones test the peak of the map; noise: little beyond hiding that values were imputed',
  needs: 'neighbours',
  parameters: parameters as z.core.$ZodType<RoadParameters>,
  cost: ({ shares }) => ({ forward: 2 * shares.length, backward: 0 }),
  async run(question, { map }, { shares, noise }) {
    const groups = map.values.length;
    const { values } = towardsInput(question, map);
    const orders = [ascending(values, question.seed), descending(values, question.seed)];
    const counts = shares.map((share) => Math.min(Math.max(1, Math.round(share * groups)), groups - 1));
    const removed = orders.flatMap((order) => counts.map((count) => order.subarray(0, count)));
    const confidences = await question.confidenceAt(imputedPoints(question, removed, noise));
    const [leastFirst, mostFirst] = [confidences.subarray(0, counts.length), confidences.subarray(counts.length)];
    return {
      score: signOf(question) * (meanOf(leastFirst) - meanOf(mostFirst)),
      parts: { leastFirst: meanOf(leastFirst), mostFirst: meanOf(mostFirst) },
    };
  },
};

/** Points at which sets of groups are imputed from their neighbours. */
export function imputedPoints(question: Question, removed: readonly Uint32Array[], noise: number): Points {
  const { explained, groups, inputs, seed } = question;
  const [name] = explained;
  const input = inputs.get(name) as Tensor;
  if (!groups.spatial || groups.shape.length > 2 || input.type !== 'float32') {
    throw new WhereforeError('invalid-argument', 'ROAD needs features with neighbours', {
      got: groups.spatial ? `${input.type}, ${groups.shape.length} axes of space` : 'features without an order',
      expected: 'an image or a series of floats',
      fix: 'leave ROAD out; sufficiency and comprehensiveness ask the same with a reference',
    });
  }
  if (groups.positions) {
    throw new WhereforeError('invalid-argument', 'ROAD guesses single places from their neighbours, not regions', {
      got: `regions of ${groups.shape.join('×')}`,
      fix: 'use regions of 1 (--regions 1), or leave ROAD out',
    });
  }
  const data = input.data as Float32Array;
  const elements = elementsByGroup(groups.groupOf.get(name) as Int32Array, groups.count);
  const deviation = noise * standardDeviation(data);
  const channels = Array.from({ length: elements.perGroup }, (_, channel) => {
    const plane = new Float64Array(groups.count);
    for (let group = 0; group < groups.count; group++)
      plane[group] = data[elements.of[group * elements.perGroup + channel]];
    return plane;
  });
  return {
    cut: [name],
    count: removed.length,
    at(start, end) {
      const values = new Float32Array((end - start) * data.length);
      for (let point = start; point < end; point++) {
        const set = removed[point];
        const known = new Uint8Array(groups.count).fill(1);
        for (let i = 0; i < set.length; i++) known[set[i]] = 0;
        const planes = channels.map((plane) => plane.slice());
        impute(planes, groups.shape, known);
        const source = random(seed, 200 + point);
        const made = values.subarray((point - start) * data.length, (point - start + 1) * data.length);
        made.set(data);
        for (let i = 0; i < set.length; i++) {
          const group = set[i];
          for (let channel = 0; channel < planes.length; channel++) {
            const element = elements.of[group * elements.perGroup + channel];
            made[element] = planes[channel][group] + (deviation > 0 ? deviation * source.normal() : 0);
          }
        }
      }
      return new Map([[name, float32([(end - start) * input.shape[0], ...input.shape.slice(1)], values)]]);
    },
  };
}

/** The elements of each group, channel by channel. */
function elementsByGroup(groupOf: Int32Array, count: number): { of: Uint32Array; perGroup: number } {
  const perGroup = groupOf.length / count;
  const of = new Uint32Array(groupOf.length);
  const filled = new Uint32Array(count);
  for (let element = 0; element < groupOf.length; element++) {
    const group = groupOf[element];
    of[group * perGroup + filled[group]++] = element;
  }
  return { of, perGroup };
}

function standardDeviation(data: Float32Array): number {
  const mean = meanOf(data);
  let squares = 0;
  for (let i = 0; i < data.length; i++) squares += (data[i] - mean) ** 2;
  return Math.sqrt(squares / data.length);
}
