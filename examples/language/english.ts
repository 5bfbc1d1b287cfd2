import { type DecoderShape, drawn, type WeightedText } from './decoder.ts';
import { drawStory, grammarWords, storyTokens } from './grammar.ts';

/** The model that writes the English of the grammar. */
export const englishShape: DecoderShape = {
  words: grammarWords,
  layers: 4,
  features: 128,
  heads: 4,
  inner: 320,
  longest: 256,
};

/** Tokens of a text that it learns from, and how many of them. */
export const englishTraining = { length: 97, steps: 600, batchSize: 32, learningRate: 3e-3, weightDecay: 0.1 };

/** Text i: stories one behind the other, the last cut off. */
export function englishText(seed: number, i: number): WeightedText {
  const source = drawn(seed, i);
  const tokens: number[] = [];
  while (tokens.length < englishTraining.length) tokens.push(...storyTokens(drawStory(source)));
  const cut = tokens.slice(0, englishTraining.length);
  return { tokens: cut, weights: cut.map(() => 1) };
}
