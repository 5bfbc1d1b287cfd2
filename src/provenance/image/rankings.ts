import * as z from 'zod/mini';
import { wordsOf } from '../../influence/methods/bm25.ts';
import type { Placement } from './placement.ts';
import type { RawScores } from './ranked.ts';
import type { Signals } from './signals.ts';

/** What can be asked of an image, each with a ranking of its own: one fused score would hide the others. */
export const questions = {
  whole: 'the whole image',
  region: 'a part of it',
  block: 'a small part of it, of the same size',
  hand: 'colours, strokes and texture, wherever they are',
  words: 'the words of its prompt',
  paper: 'the fixed weights of arXiv 2504.01771, among the captions nearest to the prompt',
} as const;

export type TraceQuestion = keyof typeof questions;

/** Signals that make the score of the whole image. */
export const wholeSignals = ['pixels', 'gradients', 'colours', 'regions', 'placement'] as const;

/** Mean and standard deviation of a signal over pairs of unrelated images. */
const moments = z.strictObject({ mean: z.number(), deviation: z.number().check(z.positive()) });

/** How signals are made comparable and weighted; recorded in the index. */
export const weightsSchema = z.strictObject({
  moments: z.strictObject({
    pixels: moments,
    gradients: moments,
    colours: moments,
    texture: moments,
    regions: moments,
    placement: moments,
    encoders: z.array(moments),
  }),
  /** Of standardised signals, in the score of the whole image. */
  whole: z.strictObject({
    pixels: z.number(),
    gradients: z.number(),
    colours: z.number(),
    regions: z.number(),
    placement: z.number(),
  }),
});

export type RankingWeights = z.infer<typeof weightsSchema>;

/** Weights that favour no signal, for an index whose weights are not fitted. */
export const equalWeights = { pixels: 1, gradients: 1, colours: 1, regions: 1, placement: 1 } as const;

/** The standardised signals of the whole image, by image; of an even one all are 0 but its pixels. */
export function wholeComponents(
  signals: Signals,
  { moments }: Pick<RankingWeights, 'moments'>,
  image: number,
): Record<(typeof wholeSignals)[number], number> {
  const z = (name: 'pixels' | 'gradients' | 'colours', value: number) =>
    (value - moments[name].mean) / moments[name].deviation;
  const pixels = z('pixels', signals.pixels[image]);
  if (signals.even) return { pixels, gradients: 0, colours: 0, regions: 0, placement: 0 };
  const region = Math.log1p(signals.regions.get(image)?.weight ?? 0);
  const placement = signals.placements.get(image);
  return {
    pixels,
    gradients: z('gradients', signals.gradients[image]),
    colours: z('colours', signals.colours[image]),
    regions: (region - moments.regions.mean) / moments.regions.deviation,
    placement: placement ? placementScore(placement, moments) : 0,
  };
}

/** Of an image that nothing else is near to it, and that was therefore not looked into, nothing is known: 0. */
const placementScore = (placement: Placement, { placement: { mean, deviation } }: RankingWeights['moments']): number =>
  Math.max(0, (placement.evidence - mean) / deviation);

/** `Σ weight · z` over {@link wholeSignals}; of an even image `z` of its pixels, as weights are fitted on images that show more. */
export function wholeScores(signals: Signals, { whole, moments }: RankingWeights): RawScores {
  if (signals.even) return signals.pixels.map((value) => (value - moments.pixels.mean) / moments.pixels.deviation);
  const nothing = (whole.regions * -moments.regions.mean) / moments.regions.deviation;
  const scores = new Float64Array(signals.pixels.length).fill(nothing);
  for (const name of ['pixels', 'gradients', 'colours'] as const) {
    const [values, { mean, deviation }, weight] = [signals[name], moments[name], whole[name]];
    for (let image = 0; image < scores.length; image++) scores[image] += (weight * (values[image] - mean)) / deviation;
  }
  for (const [image, { weight }] of signals.regions)
    scores[image] += (whole.regions * Math.log1p(weight)) / moments.regions.deviation;
  for (const [image, placement] of signals.placements)
    scores[image] += whole.placement * placementScore(placement, moments);
  return scores;
}

/** The weight of the matched region, in nats; 0 where none is. */
export function regionScores({ regions, pixels }: Signals): RawScores {
  const scores = new Float64Array(pixels.length);
  for (const [image, { weight }] of regions) scores[image] = weight;
  return scores;
}

/** The evidence of blocks that lie alike, in nats; 0 where none do. */
export function blockScores(signals: Signals): RawScores {
  const scores = new Float64Array(signals.pixels.length);
  for (const [image, { evidence }] of signals.blocks()) scores[image] = evidence;
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
