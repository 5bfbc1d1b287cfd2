import * as z from 'zod/mini';
import type { Sample } from '../../data/inputs/sample.ts';
import { WhereforeError } from '../../errors.ts';
import { checkTensors } from '../../tensor/check-tensor.ts';
import { formatShape, rows, sameShape, type Tensor } from '../../tensor/tensor.ts';
import type { BaselineKind } from './kind.ts';
import { inTypeOf } from './numbers.ts';

/** Several inputs, one a row, by input name: rows of a data set. Attributions are against their mean output. */
export interface SampleBaseline {
  readonly kind: 'sample';
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly description: string;
}

export const sample = {
  stated: z.object({ description: z.string(), tensors: z.custom((value) => value !== undefined) }),
  document: z.object({ kind: z.literal('sample'), description: z.string() }),
  beside: 'rows',
  forms: [
    {
      text: 'sample:PLACE[#ROWS] (a table, a folder of images, an array)',
      prefix: 'sample',
      read: async (place, surroundings) => {
        const found = sampleBaseline(await surroundings.sample(place));
        return () => found;
      },
    },
  ],
  resolve: ({ name, input }, { tensors }) => {
    const given = inTypeOf(input, tensors.get(name));
    const height = input.shape[0] ?? 1;
    const fits = given?.type === input.type && sameShape(given.shape.slice(1), input.shape.slice(1));
    if (!given || !fits || given.shape[0] === 0 || given.shape[0] % height !== 0) {
      throw new WhereforeError('wrong-shape', `the sample of baselines for "${name}"`, {
        got: given ? `${given.type} ${formatShape(given.shape)}` : 'none',
        expected: `${input.type} n×${formatShape(input.shape.slice(1))}, n at least ${height}`,
      });
    }
    return Array.from({ length: given.shape[0] / height }, (_, k) => rows(given, k * height, (k + 1) * height));
  },
  describe: ({ description }) => description,
  write: () => undefined,
  check: ({ tensors }, where) => checkTensors(tensors, `${where}, tensors`),
} satisfies BaselineKind<SampleBaseline>;

/** Other rows of a table, other images, as baseline. */
export function sampleBaseline({ tensors, description }: Sample): SampleBaseline {
  return { kind: 'sample', tensors, description };
}
