import * as z from 'zod/mini';
import { sizeOf, tensor } from '../../tensor/tensor.ts';
import type { BaselineKind } from './kind.ts';
import { numberIn, numbersLike } from './numbers.ts';

/** One number everywhere, in the model's input space. */
export interface ConstantBaseline {
  readonly kind: 'constant';
  readonly value: number;
}

export const constant = {
  stated: z.object({ value: z.union([z.number(), z.nan()]) }),
  document: z.object({ kind: z.literal('constant'), value: z.number() }),
  forms: [
    {
      text: 'constant:NUMBER',
      prefix: 'constant',
      read: (argument) => {
        const value = numberIn(argument);
        return () => ({ kind: 'constant', value });
      },
    },
  ],
  resolve: (at, { kind, value }) => {
    const values = new Float32Array(sizeOf(at.input.shape)).fill(value);
    return [numbersLike(at, kind, tensor('float32', at.input.shape, values))];
  },
  describe: ({ value }) => `constant ${value}`,
  write: ({ value }) => `constant:${value}`,
} satisfies BaselineKind<ConstantBaseline>;
