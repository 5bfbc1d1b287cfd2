import type { DecoderShape } from './decoder.ts';
import { drawn, type WeightedText } from './decoder.ts';
import { specialWords } from './tokenizer.ts';

// Texts in which words at random come twice in the same order: the second time each can be foretold from the first.

/** Different words. */
const count = 46;

export const inductionVocabulary = [...specialWords, ...Array.from({ length: count }, (_, i) => `v${i}`)];

/** Two layers of attention alone. */
export const inductionShape: DecoderShape = {
  words: inductionVocabulary,
  layers: 2,
  features: 64,
  heads: 4,
  inner: 0,
  // One head begins by looking one word back: copying grows from there.
  lookBack: [1],
  longest: 64,
};

/** Tokens of the longest text: `<s>`, what comes before, and twice the longest part. */
export const inductionLength = 1 + 8 + 2 * 16;

/** A text: `before` words, then `part` words twice. */
export function inductionWordsOf(
  seed: number,
  i: number,
  { before, part }: { before: number; part: number },
): number[] {
  const source = drawn(seed, i);
  const words = (length: number) => Array.from({ length }, () => specialWords.length + source.integer(count));
  const start = words(before);
  const repeated = words(part);
  return [1, ...start, ...repeated, ...repeated];
}

/** Text i of those that the model learns from: what comes the second time counts. */
export function inductionTraining(seed: number, i: number): WeightedText {
  const source = drawn(seed + 1, i);
  const [before, part] = [source.integer(9), 8 + source.integer(9)];
  const tokens = inductionWordsOf(seed, i, { before, part });
  const second = 1 + before + part;
  // The first word of the second time cannot be foretold.
  return { tokens, weights: tokens.map((_, t) => Number(t > second)) };
}
