import { WhereforeError } from '../../errors.ts';
import { float32 } from '../../tensor/tensor.ts';
import type { ComponentProgram } from './component-program.ts';
import type { Values } from './vectors.ts';

/**
 * The run that the clean one is compared with. What both share cannot be seen: `last-token` leaves all that comes before,
 * and where each token stands; `tokens` leaves the places; `mean`, the mean vector over all tokens and places, leaves
 * nothing.
 */
export type Corruption =
  | { readonly kind: 'mean' }
  | { readonly kind: 'last-token'; readonly tokens: readonly number[] }
  /** Other texts, as long as the clean ones. */
  | { readonly kind: 'tokens'; readonly texts: readonly (readonly number[])[] };

/**
 * Vectors that corrupted texts begin with.
 * @param of the texts whose mean is taken; default the clean texts
 * @throws WhereforeError `invalid-argument` where another text has more or fewer tokens
 */
export async function corruptedStarts(
  program: ComponentProgram,
  texts: readonly (readonly number[])[],
  corruption: Corruption,
): Promise<Values> {
  if (corruption.kind === 'mean') return meanVectors(await program.startsOf(texts));
  const others =
    corruption.kind === 'tokens'
      ? corruption.texts
      : texts.map((ids, i) => [...ids.slice(0, -1), corruption.tokens[i % corruption.tokens.length]]);
  const wrong = others.find((ids) => ids.length !== program.length);
  if (wrong) {
    throw new WhereforeError('invalid-argument', 'the corrupted text does not have as many tokens as the clean one', {
      got: `${wrong.length} tokens`,
      expected: `${program.length}`,
      fix: 'exchange words for others of equally many tokens, or corrupt by the mean',
    });
  }
  return program.startsOf(others);
}

/** Every vector becomes the mean over texts and places. */
function meanVectors(starts: Values): Values {
  return new Map(
    [...starts].map(([name, { shape, data }]) => {
      const width = shape[2];
      const mean = new Float64Array(width);
      for (let i = 0; i < data.length; i++) mean[i % width] += data[i] / (data.length / width);
      return [
        name,
        float32(
          shape,
          data.map((_, i) => mean[i % width]),
        ),
      ];
    }),
  );
}
