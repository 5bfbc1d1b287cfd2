import * as z from 'zod';
import { wordsOf } from '../../influence/methods/bm25.ts';
import type { Signals } from './signals.ts';

/** What can be asked of an image, each with a ranking of its own: one fused score would hide the others. */
export const questions = {
  whole: 'the whole image',
  region: 'a part of it',
  hand: 'colours, strokes and texture, wherever they are',
  words: 'the words of its prompt',
} as const;

export type TraceQuestion = keyof typeof questions;

/** Signals that make the score of the whole image. */
export const wholeSignals = ['pixels', 'gradients', 'colours', 'regions'] as const;

/** Mean and standard deviation of a signal over pairs of unrelated images. */
const moments = z.strictObject({ mean: z.number(), deviation: z.number().positive() });

/** How signals are made comparable and weighted; recorded in the index. */
export const weightsSchema = z.strictObject({
  moments: z.strictObject({
    pixels: moments,
    gradients: moments,
    colours: moments,
    texture: moments,
    regions: moments,
    encoders: z.array(moments),
  }),
  /** Of standardised signals, in the score of the whole image. */
  whole: z.strictObject({ pixels: z.number(), gradients: z.number(), colours: z.number(), regions: z.number() }),
});

export type RankingWeights = z.infer<typeof weightsSchema>;

/** Weights that favour no signal, for an index whose weights are not fitted. */
export const equalWeights = { pixels: 1, gradients: 1, colours: 1, regions: 1 } as const;

/** Scores of all images for one question, larger is more alike. */
export type RawScores = Float64Array;

/** The standardised signals of the whole image, by image. */
export function wholeComponents(
  signals: Signals,
  { moments }: Pick<RankingWeights, 'moments'>,
  image: number,
): Record<(typeof wholeSignals)[number], number> {
  const z = (name: 'pixels' | 'gradients' | 'colours', value: number) =>
    (value - moments[name].mean) / moments[name].deviation;
  const region = Math.log1p(signals.regions.get(image)?.weight ?? 0);
  return {
    pixels: z('pixels', signals.pixels[image]),
    gradients: z('gradients', signals.gradients[image]),
    colours: z('colours', signals.colours[image]),
    regions: (region - moments.regions.mean) / moments.regions.deviation,
  };
}

/** `Σ weight · z` over {@link wholeSignals}. */
export function wholeScores(signals: Signals, weights: RankingWeights): RawScores {
  return signals.pixels.map((_, image) => {
    const components = wholeComponents(signals, weights, image);
    return wholeSignals.reduce((sum, name) => sum + weights.whole[name] * components[name], 0);
  });
}

/** The weight of the matched region, in nats; 0 where none is. */
export function regionScores({ regions, pixels }: Signals): RawScores {
  const scores = new Float64Array(pixels.length);
  for (const [image, { weight }] of regions) scores[image] = weight;
  return scores;
}

/** The mean of the standardised signals that know no place: colours, texture, and every encoder. */
export function handScores(signals: Signals, { moments }: RankingWeights): RawScores {
  const all = [
    { values: signals.colours, ...moments.colours },
    { values: signals.texture, ...moments.texture },
    ...signals.encoders.map((values, e) => ({ values, ...moments.encoders[e] })),
  ];
  return signals.colours.map(
    (_, image) =>
      all.reduce((sum, { values, mean, deviation }) => sum + (values[image] - mean) / deviation, 0) / all.length,
  );
}

/** BM25 of captions (k₁ = 1.2, b = 0.75) for the words of a prompt. Source: Robertson, Zaragoza 2009. */
export function wordScores(captions: readonly string[], prompt: string): RawScores {
  const lists = captions.map(wordsOf);
  const mean = lists.reduce((sum, words) => sum + words.length, 0) / Math.max(1, lists.length);
  const scores = new Float64Array(captions.length);
  for (const word of new Set(wordsOf(prompt))) {
    const counts = lists.map((words) => words.reduce((count, one) => count + (one === word ? 1 : 0), 0));
    const holding = counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
    if (holding === 0) continue;
    const idf = Math.log(1 + (captions.length - holding + 0.5) / (holding + 0.5));
    for (const [i, count] of counts.entries())
      if (count > 0) scores[i] += (idf * count * 2.2) / (count + 1.2 * (0.25 + (0.75 * lists[i].length) / mean));
  }
  return scores;
}

/** Images from the highest score down; equal scores in the order of the data. */
export function ranked(scores: RawScores, most: number): number[] {
  const order = Array.from(scores.keys());
  order.sort((a, b) => scores[b] - scores[a] || a - b);
  return order.slice(0, most);
}

/** Ranks whose mean score is the level of an image's surroundings in the data. */
const surroundings = [10, 20] as const;

/**
 * What the nearest images that are no sources reach: the mean of ranks 11 to 20, or of the lower half of fewer images. A
 * score less this tells an image with a source from one that merely lies where images are dense.
 * Source: Douze et al. 2021, "The 2021 image similarity dataset and challenge" (score normalisation).
 */
export function surroundingScore(scores: RawScores, except: ReadonlySet<number> = new Set()): number {
  const order = ranked(scores, surroundings[1] + except.size).filter((image) => !except.has(image));
  const [from, to] = order.length >= surroundings[1] ? surroundings : [order.length >> 1, order.length];
  const some = order.slice(from, to);
  return some.length === 0 ? 0 : some.reduce((sum, image) => sum + scores[image], 0) / some.length;
}
