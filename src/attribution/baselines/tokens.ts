import * as z from 'zod/mini';
import type { Tokenizer } from '../../data/inputs/tokenizer.ts';
import { WhereforeError } from '../../errors.ts';
import { toNumbers } from '../../tensor/convert.ts';
import { int64, tensor as tensorOf } from '../../tensor/tensor.ts';
import type { BaselineKind, ReadBaseline } from './kind.ts';
import { numberIn } from './numbers.ts';

/** Every token replaced by one: padding, mask or unknown. */
export interface TokensBaseline {
  readonly kind: 'tokens';
  readonly id: number;
  /** How the tokenizer writes it. */
  readonly token?: string;
  /** Ids that stay as they are, such as the special tokens at the beginning and the end. Default none. */
  readonly keep?: readonly number[];
}

const number = z.union([z.number(), z.nan()]);

/** A token by what it stands for, where the model's tokenizer has one. */
const named =
  (name: string): ReadBaseline<TokensBaseline> =>
  async (_, { token }) => {
    const { tokenizer, ...found } = await token(name);
    return () => tokensBaseline(tokenizer, found);
  };

export const tokens = {
  stated: z.object({ id: number, token: z.optional(z.string()), keep: z.optional(z.array(number)) }),
  document: z.object({
    kind: z.literal('tokens'),
    id: z.int(),
    token: z.optional(z.string()),
    keep: z.optional(z.array(z.int())),
  }),
  replaces: 'tokens',
  forms: [
    ...['pad', 'mask', 'unk'].map((name) => ({ text: name, words: [name], read: named(name) })),
    {
      text: 'tokens:ID',
      prefix: 'tokens',
      // A token by its number. Where the model's tokenizer is known, special tokens stay.
      read: async (argument, surroundings) => {
        const id = numberIn(argument);
        const tokenizer = await surroundings.tokenizer();
        const isKnown = tokenizer && Number.isInteger(id) && id >= 0 && id < tokenizer.size;
        return () =>
          isKnown ? tokensBaseline(tokenizer, { id, token: tokenizer.textOf(id) }) : { kind: 'tokens', id };
      },
    },
  ],
  resolve: ({ input, name }, { id, keep = [] }) => {
    if (input.type !== 'int64' && input.type !== 'int32') {
      throw new WhereforeError('wrong-type', 'a token baseline needs an input of token ids', {
        where: `input "${name}"`,
        got: input.type,
        expected: 'int64 or int32',
      });
    }
    if (!Number.isSafeInteger(id) || id < 0) {
      throw new WhereforeError('out-of-range', 'the token of the baseline', {
        got: String(id),
        expected: 'a whole number from 0 up',
      });
    }
    const kept = new Set(keep);
    const ids = toNumbers(input).map((token) => (kept.has(token) ? token : id));
    return [input.type === 'int64' ? int64(input.shape, ids) : tensorOf('int32', input.shape, Int32Array.from(ids))];
  },
  describe: ({ id, token, keep }) => `every ${keep?.length ? 'ordinary ' : ''}token replaced by ${token ?? id}`,
  write: ({ id, keep }) => (keep ? undefined : `tokens:${id}`),
} satisfies BaselineKind<TokensBaseline>;

/** Every token of a text replaced by one; special tokens stay. */
export function tokensBaseline(
  tokenizer: Tokenizer,
  { id, token }: { readonly id: number; readonly token: string },
): TokensBaseline {
  return { kind: 'tokens', id, token, keep: [...tokenizer.special] };
}
