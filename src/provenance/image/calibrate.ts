import * as z from 'zod/mini';
import { choose, random } from '../../tensor/random.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { backgroundOf, backgroundSchema } from './background.ts';
import type { FeatureBlock } from './features.ts';
import { fitLogistic } from './fit-logistic.ts';
import { searchImages } from './image-search.ts';
import { nearDistance } from './near-copy.ts';
import { partProducts } from './part-products.ts';
import { placedImage, placeIn } from './placement.ts';
import { type PlantedChange, plantedChanges } from './planted.ts';
import { queryImage } from './query-image.ts';
import { ranked, surroundingScore } from './ranked.ts';
import {
  blockScores,
  equalWeights,
  handScores,
  type RankingWeights,
  regionScores,
  weightsSchema,
  wholeComponents,
  wholeScores,
  wholeSignals,
} from './rankings.ts';
import { cosines, type Signals, signalsOf } from './signals.ts';
import { thumbnailSize } from './thumbnail.ts';

/** `calibration.json` of an index: what scores mean, as measured on its own images. */
export const calibrationSchema = z.strictObject({
  format: z.literal('wherefore/image-calibration'),
  version: z.literal(3),
  /** Images of the index when it was measured. */
  images: z.int().check(z.minimum(1)),
  seed: z.number(),
  weights: weightsSchema,
  /** `fitted` on planted pairs, or `equal` where they were not wanted. */
  preset: z.enum(['fitted', 'equal']),
  /** Best scores of images of the data against the others. */
  background: z.strictObject({
    whole: backgroundSchema,
    region: backgroundSchema,
    block: backgroundSchema,
    hand: backgroundSchema,
  }),
  /** Of the changed images that weights were fitted on: how many, and how many have their source first. */
  planted: z.strictObject({ count: z.int(), first: z.int() }),
});

export type Calibration = z.infer<typeof calibrationSchema>;

/** Questions whose scores are calibrated: those that need no words. */
export type CalibratedQuestion = keyof Calibration['background'];

export interface CalibrateOptions {
  readonly seed?: number;
  /** Unrelated images that are traced. Default 100. */
  readonly unrelated?: number;
  /** Images that are changed in six ways each, to fit weights on. Default 8. */
  readonly planted?: number;
  readonly preset?: Calibration['preset'];
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Images that weights and background are measured on. */
export interface CalibrationImages {
  /** Pixels and embeddings of an image of the index, changed or not. */
  read(image: number): Promise<Tensor<'uint8'>>;
  /** Embeddings of any pixels, by the encoders of the index. */
  embed(pixels: Tensor<'uint8'>): Promise<readonly Float32Array[]>;
}

/** Pairs whose signals give means and deviations. */
const pairs = 4000;
/** Of these, those that are placed in each other. */
const placedPairs = 200;

/**
 * Measures what scores mean on the images of an index: how signals vary over pairs, how high the best score of an image
 * is among the others, without itself and its copies, and which weights find changed images again. A logistic
 * regression tells sources of changed images from the images that come next.
 */
export async function calibrate(
  features: FeatureBlock,
  contents: readonly string[],
  images: CalibrationImages,
  options: CalibrateOptions = {},
): Promise<Calibration> {
  const { seed = 0, unrelated = 100, planted = 8, preset = 'fitted', signal, onProgress } = options;
  const source = random(seed, 3);
  const search = searchImages(features);
  const drawn = (count: number) => choose(features.count, Math.min(count, features.count), source);
  const [changed, traced] = [drawn(preset === 'fitted' ? planted : 0), drawn(unrelated)];
  const total = changed.length * Object.keys(plantedChanges).length + traced.length;
  let done = 0;
  const trace: Trace = async (image, change) => {
    signal?.throwIfAborted();
    const pixels = await images.read(image);
    const made = change ? change(pixels, source) : pixels;
    const signals = signalsOf(features, search, queryImage(made, { embeddings: await images.embed(made) }));
    onProgress?.(++done, total);
    return signals;
  };
  const equal: RankingWeights = { moments: momentsOf(features, seed), whole: equalWeights };
  const fitted = changed.length > 0 ? await fitWeights(changed, contents, equal, trace) : undefined;
  const weights = fitted?.weights ?? equal;
  const best: Record<CalibratedQuestion, number[]> = { whole: [], region: [], block: [], hand: [] };
  for (const image of traced) {
    const signals = await trace(image);
    const own = copiesOf(image, contents, signals);
    for (const [question, scores] of Object.entries(scoresOf(signals, weights)))
      best[question as CalibratedQuestion].push(bestOf(question as CalibratedQuestion, scores, own));
  }
  return {
    format: 'wherefore/image-calibration',
    version: 3,
    images: features.count,
    seed,
    weights,
    preset,
    background: {
      whole: backgroundOf(best.whole),
      region: backgroundOf(best.region),
      block: backgroundOf(best.block),
      hand: backgroundOf(best.hand),
    },
    planted: fitted?.planted ?? { count: 0, first: 0 },
  };
}

/** Signals of an image of the index, changed or not. */
type Trace = (image: number, change?: PlantedChange) => Promise<Signals>;

/** Images next to a changed one that its source is told from. */
const nearestOthers = 30;

/**
 * Changes some images in every way, and fits weights that put their sources before the images next to them. Images that
 * became even say nothing of weights.
 */
async function fitWeights(
  images: Uint32Array,
  contents: readonly string[],
  start: RankingWeights,
  trace: Trace,
): Promise<{ readonly weights: RankingWeights; readonly planted: Calibration['planted'] }> {
  const rows: number[][] = [];
  const truths: boolean[] = [];
  const changes = Object.values(plantedChanges);
  for (const image of images) {
    const own = copiesOf(image, contents);
    for (const change of changes) {
      const signals = await trace(image, change);
      if (signals.even) continue;
      const order = ranked(wholeScores(signals, start), nearestOthers + own.size).filter((other) => !own.has(other));
      for (const other of [image, ...order.slice(0, nearestOthers)]) {
        const components = wholeComponents(signals, start, other);
        rows.push(wholeSignals.map((name) => components[name]));
        truths.push(other === image);
      }
    }
  }
  const count = truths.reduce((sum, truth) => sum + (truth ? 1 : 0), 0);
  if (count === 0) return { weights: start, planted: { count: 0, first: 0 } };
  const weights = { moments: start.moments, whole: namedWeights(fitLogistic(rows, truths)) };
  return { weights, planted: { count, first: firstCount(rows, truths, weights) } };
}

/** Scores by question, of those that need no words. */
export function scoresOf(signals: Signals, weights: RankingWeights): Record<CalibratedQuestion, Float64Array> {
  return {
    whole: wholeScores(signals, weights),
    region: regionScores(signals),
    block: blockScores(signals),
    hand: handScores(signals, weights),
  };
}

function bestOf(question: CalibratedQuestion, scores: Float64Array, except: ReadonlySet<number>): number {
  const [first] = ranked(scores, except.size + 1).filter((image) => !except.has(image));
  return first === undefined ? 0 : scores[first] - levelOf(question, scores, except);
}

/**
 * What a score is told less of: what the surroundings of the image reach. Not for small parts: their evidence is already
 * measured against the images that lack them, and a stamp of forty images would be its own surroundings.
 */
export function levelOf(question: CalibratedQuestion, scores: Float64Array, except: ReadonlySet<number>): number {
  return question === 'block' ? 0 : surroundingScore(scores, except);
}

/** Images with the same pixels as one, and those that are as near as copies. */
function copiesOf(image: number, contents: readonly string[], signals?: Signals): Set<number> {
  const found = new Set<number>();
  for (const [i, content] of contents.entries())
    if (content === contents[image] || (signals && signals.pixels[i] > -nearDistance)) found.add(i);
  return found;
}

function namedWeights(weights: readonly number[]): RankingWeights['whole'] {
  return Object.fromEntries(wholeSignals.map((name, j) => [name, weights[j]])) as RankingWeights['whole'];
}

/** Of how many groups, each a source and the images next to it, the source scores highest. */
function firstCount(
  rows: readonly (readonly number[])[],
  truths: readonly boolean[],
  { whole }: RankingWeights,
): number {
  let [first, best] = [0, 0];
  const score = (row: readonly number[]) => wholeSignals.reduce((sum, name, j) => sum + whole[name] * row[j], 0);
  let own = 0;
  for (const [i, row] of rows.entries()) {
    if (truths[i]) {
      own = score(row);
      best = Number.NEGATIVE_INFINITY;
    } else best = Math.max(best, score(row));
    if (i + 1 === rows.length || truths[i + 1]) first += own > best ? 1 : 0;
  }
  return first;
}

export function momentsOf(features: FeatureBlock, seed: number): RankingWeights['moments'] {
  const source = random(seed, 4);
  const drawn = Array.from(
    { length: pairs },
    () => [source.integer(features.count), source.integer(features.count)] as const,
  );
  const different = drawn.filter(([a, b]) => a !== b);
  const of = (value: (a: number, b: number) => number) => meanAndDeviation(different.map(([a, b]) => value(a, b)));
  const part = partProducts(features);
  return {
    pixels: of((a, b) => -part.distance(a, b)),
    gradients: of((a, b) => part.product('gradients', a, b)),
    colours: of((a, b) => part.product('colours', a, b)),
    texture: of((a, b) => part.product('texture', a, b)),
    // Of the few images that share a region at all: log(1 + weight) of one point in ten thousand.
    regions: { mean: 0, deviation: Math.log(10) },
    placement: meanAndDeviation(
      different.slice(0, placedPairs).map(([a, b]) => {
        const thumbnail = (image: number) =>
          features.thumbnails.subarray(image * thumbnailSize, (image + 1) * thumbnailSize);
        return placeIn(placedImage(thumbnail(a)), thumbnail(b)).evidence;
      }),
    ),
    encoders: features.embeddings.map((rows) => {
      const width = rows.length / features.count;
      const some = Array.from({ length: 40 }, () => source.integer(features.count));
      const values = some.flatMap((i) => {
        const all = cosines(rows.subarray(i * width, (i + 1) * width), rows, features.count);
        return Array.from({ length: 100 }, () => all[source.integer(features.count)]);
      });
      return meanAndDeviation(values);
    }),
  };
}

function meanAndDeviation(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length);
  // Where all images are equal, no signal tells them apart, and none is weighted up.
  return { mean, deviation: Math.sqrt(variance) || 1 };
}
