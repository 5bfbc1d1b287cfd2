import * as z from 'zod/mini';
import { WhereforeError } from '../../errors.ts';
import { toFloat32 } from '../../tensor/convert.ts';
import { mapped } from '../../tensor/filled.ts';
import { random } from '../../tensor/random.ts';
import { float32, type Tensor } from '../../tensor/tensor.ts';
import type { BaselineKind } from './kind.ts';
import { numberIn, numbersLike } from './numbers.ts';

/** Normal noise with the input's own mean and standard deviation; attributions are against the mean of the draws. */
export interface NoiseBaseline {
  readonly kind: 'noise';
  readonly seed: number;
  /** Default 1. */
  readonly draws?: number;
}

const number = z.union([z.number(), z.nan()]);

export const noise = {
  stated: z.object({ seed: number, draws: z.optional(number) }),
  document: z.object({ kind: z.literal('noise'), seed: z.number(), draws: z.optional(z.int()) }),
  forms: [
    {
      text: 'noise:SEED',
      prefix: 'noise',
      read: (argument) => {
        const seed = numberIn(argument);
        return () => ({ kind: 'noise', seed });
      },
    },
  ],
  resolve: (at, { kind, seed, draws = 1 }) => {
    if (!Number.isInteger(draws) || draws < 1) {
      throw new WhereforeError('out-of-range', 'the draws of noise', {
        got: String(draws),
        expected: 'a positive integer',
      });
    }
    return Array.from({ length: draws }, (_, draw) => numbersLike(at, kind, noiseLike(at.input, seed, draw)));
  },
  describe: ({ seed, draws }) => `noise, seed ${seed}${draws === undefined ? '' : `, ${draws} draws`}`,
  write: ({ seed, draws }) => (draws === undefined ? `noise:${seed}` : undefined),
} satisfies BaselineKind<NoiseBaseline>;

/** Normal noise with an input's mean and standard deviation; draw 0, 1, … of a seed are independent. */
function noiseLike(input: Tensor, seed: number, draw: number): Tensor<'float32'> {
  const values = toFloat32(input).data;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  const source = random(seed, draw);
  return float32(
    input.shape,
    mapped(Float32Array, values, () => mean + deviation * source.normal()),
  );
}
