import * as z from 'zod/mini';
import { tensor } from '../../tensor/tensor.ts';
import type { BaselineKind } from './kind.ts';
import { numbersLike } from './numbers.ts';

/** Zeros in the model's input space (for an image: whatever colour preprocessing maps to zero). */
export interface ZeroBaseline {
  readonly kind: 'zero';
}

export const zero = {
  stated: z.object({}),
  document: z.object({ kind: z.literal('zero') }),
  forms: [{ text: 'zero', words: ['zero'], read: () => () => ({ kind: 'zero' }) }],
  resolve: (at, { kind }) => [numbersLike(at, kind, tensor('float32', at.input.shape))],
  describe: () => 'zero input',
  write: ({ kind }) => kind,
} satisfies BaselineKind<ZeroBaseline>;
