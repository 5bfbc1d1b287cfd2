import { filled } from '../../tensor/filled.ts';
import { type Alignment, align } from './alignment.ts';
import type { MatchedBlocks } from './block-search.ts';
import type { FeatureBlock } from './features.ts';
import type { ImageSearch } from './image-search.ts';
import type { KeypointSearch, PointPair } from './keypoint-search.ts';
import type { Keypoints } from './keypoints.ts';
import { type Placement, placedImage, placeIn } from './placement.ts';
import type { QueryImage } from './query-image.ts';
import { ranked } from './ranked.ts';
import type { Box, MatchedRegion } from './region.ts';
import { thumbnailSize } from './thumbnail.ts';
import { type VectorPart, vectorRanges, vectorWidth } from './vectors.ts';

/** How every image of an index resembles a traced one, by each signal; larger is more alike. */
export interface Signals {
  /** The traced image shows nothing but a colour or slow changes of it: only `pixels` say what it is like. */
  readonly even: boolean;
  /** Minus the root mean square distance in Oklab of 8 × 8 means, of the nearer way round. */
  readonly pixels: Float64Array;
  /** Cosine of the gradients of 4 × 4 cells, of the nearer way round. */
  readonly gradients: Float64Array;
  /** Bhattacharyya coefficients. */
  readonly colours: Float64Array;
  readonly texture: Float64Array;
  /** Cosines of the embeddings of each encoder, standardised over the data. */
  readonly encoders: readonly Float64Array[];
  /** Matched regions by image; images without one share too few points. */
  readonly regions: ReadonlyMap<number, MatchedRegion>;
  /** Blocks that lie alike at one shift, by image; looked for at the first call. */
  blocks(): ReadonlyMap<number, MatchedBlocks>;
  /** Where the traced image lies in the images that are nearest by some other signal, and how well it fits there. */
  readonly placements: ReadonlyMap<number, Placement>;
}

/**
 * Images whose points are looked at for a common position, those with most points in common. A source that fills a
 * quarter of an image of patterns shares fewer points with it than hundreds of others do; only its points agree.
 */
const mostAligned = 4000;

/** Images nearest by each signal that the traced one is placed in. */
const mostPlaced = 20;

export function signalsOf(features: FeatureBlock, search: ImageSearch, query: QueryImage): Signals {
  const { count, vectors } = features;
  const best = (score: (vector: Float32Array, at: number) => number) => {
    const scores = new Float64Array(count);
    for (let i = 0; i < count; i++)
      scores[i] = Math.max(
        score(query.views[0].vector, i * vectorWidth),
        score(query.views[1].vector, i * vectorWidth),
      );
    return scores;
  };
  const products = (part: VectorPart) => {
    const [from, to] = vectorRanges[part];
    const [own] = query.views;
    const dot = (vector: Float32Array, at: number) => {
      let sum = 0;
      for (let j = from; j < to; j++) sum += vector[j] * vectors[at + j];
      return sum;
    };
    // The parts that know no place are the same from right to left, but for the directions of a texture.
    return part === 'colours' ? filled(new Float64Array(count), (i) => dot(own.vector, i * vectorWidth)) : best(dot);
  };
  const [from, to] = vectorRanges.pixels;
  const pixels = best((vector, at) => {
    let sum = 0;
    for (let j = from; j < to; j++) sum += (vector[j] - vectors[at + j]) ** 2;
    return -Math.sqrt((3 * sum) / (to - from));
  });
  const [gradients, colours] = [products('gradients'), products('colours')];
  const encoders = query.embeddings.map((embedding, e) => cosines(embedding, features.embeddings[e], count));
  const nearest = new Set([pixels, gradients, colours, ...encoders].flatMap((values) => ranked(values, mostPlaced)));
  const regions = regionsOf(features, search.points, query, nearest);
  for (const [image] of [...regions].sort(([, a], [, b]) => b.weight - a.weight).slice(0, mostPlaced))
    nearest.add(image);
  const placements = placementsIn(nearest, features, query);
  let found: ReadonlyMap<number, MatchedBlocks> | undefined;
  const blocks = () => {
    found ??= search.blocks.find(query.thumbnail);
    return found;
  };
  const { even } = query;
  return { even, pixels, gradients, colours, texture: products('texture'), encoders, regions, blocks, placements };
}

function placementsIn(images: ReadonlySet<number>, { thumbnails }: FeatureBlock, { thumbnail }: QueryImage) {
  const placed = placedImage(thumbnail);
  const found = new Map<number, Placement>();
  for (const image of images)
    found.set(image, placeIn(placed, thumbnails.subarray(image * thumbnailSize, (image + 1) * thumbnailSize)));
  return found;
}

/**
 * Cosines with every row, each number less its mean over the rows and divided by its deviation: what all images share
 * says nothing, and no number counts more because it varies more.
 */
export function cosines(query: Float32Array, rows: Float32Array, count: number): Float64Array {
  const width = query.length;
  const [mean, factor] = standardisation(rows, count, width);
  let own = 0;
  const standard = new Float64Array(width);
  for (let j = 0; j < width; j++) {
    standard[j] = (query[j] - mean[j]) * factor[j];
    own += standard[j] ** 2;
  }
  const found = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let [both, other] = [0, 0];
    for (let j = 0; j < width; j++) {
      const value = (rows[i * width + j] - mean[j]) * factor[j];
      both += standard[j] * value;
      other += value * value;
    }
    found[i] = own > 0 && other > 0 ? both / Math.sqrt(own * other) : 0;
  }
  return found;
}

/** Mean of each column, and 1 over its deviation; 0 where it does not vary. */
function standardisation(rows: Float32Array, count: number, width: number): readonly [Float64Array, Float64Array] {
  const [mean, factor] = [new Float64Array(width), new Float64Array(width)];
  for (let i = 0; i < count; i++) for (let j = 0; j < width; j++) mean[j] += rows[i * width + j] / count;
  for (let i = 0; i < count; i++)
    for (let j = 0; j < width; j++) factor[j] += (rows[i * width + j] - mean[j]) ** 2 / count;
  for (let j = 0; j < width; j++) factor[j] = factor[j] > 0 ? 1 / Math.sqrt(factor[j]) : 0;
  return [mean, factor];
}

function regionsOf(
  { starts, places }: FeatureBlock,
  search: KeypointSearch,
  query: QueryImage,
  also: ReadonlySet<number>,
) {
  const regions = new Map<number, MatchedRegion>();
  for (const view of query.views) {
    for (const { image, pairs } of search.find(view.keypoints, mostAligned, also)) {
      const other = places.subarray(3 * starts[image], 3 * starts[image + 1]);
      const found = align(pairs, view.keypoints.places, other);
      if (!found || found.weight <= (regions.get(image)?.weight ?? 0)) continue;
      regions.set(image, regionOf(found, pairs, view.keypoints, other, view.mirrored, query));
    }
  }
  return regions;
}

function regionOf(
  { agreeing, weight, factor }: Alignment,
  pairs: readonly PointPair[],
  { places }: Keypoints,
  other: Float32Array,
  isMirrored: boolean,
  { height, width }: QueryImage,
): MatchedRegion {
  const own = boxOf(
    agreeing.map((at) => 3 * pairs[at].own),
    places,
  );
  const source = boxOf(
    agreeing.map((at) => 3 * pairs[at].other),
    other,
  );
  const [rows, columns] = [height / Math.max(height, width), width / Math.max(height, width)];
  const [left, right] = isMirrored
    ? [1 - own.right / columns, 1 - own.left / columns]
    : [own.left / columns, own.right / columns];
  const placed = { left, right, top: own.top / rows, bottom: own.bottom / rows };
  return { weight, points: agreeing.length, mirrored: isMirrored, factor, own: cut(placed), other: source };
}

/** The rectangle around some points, with what each of them describes. */
function boxOf(points: readonly number[], places: Float32Array): Box {
  const box = { left: 1, top: 1, right: 0, bottom: 0 };
  for (const at of points) {
    const [x, y, reach] = [places[at], places[at + 1], 3 * places[at + 2]];
    box.left = Math.min(box.left, x - reach);
    box.top = Math.min(box.top, y - reach);
    box.right = Math.max(box.right, x + reach);
    box.bottom = Math.max(box.bottom, y + reach);
  }
  return cut(box);
}

/** What of a rectangle lies in the image. */
function cut({ left, top, right, bottom }: Box): Box {
  const inside = (value: number) => Math.max(0, Math.min(1, value));
  return { left: inside(left), top: inside(top), right: inside(right), bottom: inside(bottom) };
}
