import type { Keypoints } from './keypoints.ts';
import { bitCount } from './perceptual-hash.ts';
import { signatureWords } from './signature.ts';

/** Keypoints of many images, one image after the other. */
export interface KeypointCollection {
  /** Where the points of each image begin; one more than there are images. */
  readonly starts: Uint32Array;
  readonly places: Float32Array;
  readonly signatures: Uint32Array;
}

/** Points of one image that look alike: of the traced image and of another one, by number. */
export interface PointPair {
  readonly own: number;
  readonly other: number;
  /** `log(images / images in which a point looks like this)`: what is everywhere says nothing. */
  readonly weight: number;
}

/** Images by number, with the pairs of points; the images with the most weight come first. */
export type PointMatches = readonly {
  readonly image: number;
  readonly weight: number;
  readonly pairs: readonly PointPair[];
}[];

/** Bits in which points that look alike differ at most, of 128: an angle of 38° between descriptions. */
export const mostBits = 27;

/** Bits of a key of a table; each table takes the next bits of the signature. */
const keyBits = 10;
const tableCount = 12;

/** A point that looks like some in more than this share of images is left out. */
const mostCommon = 0.1;

/** Finds the images that share points with another one. */
export interface KeypointSearch {
  readonly images: number;
  /** @param most images at most */
  find(points: Keypoints, most: number): PointMatches;
}

/**
 * Puts points into tables by parts of their signatures: two that differ in few bits share a part somewhere, so that only
 * those that share one are compared. Source: Indyk, Motwani 1998 (STOC), for the tables.
 */
export function searchKeypoints({ starts, signatures }: KeypointCollection): KeypointSearch {
  const images = starts.length - 1;
  const count = starts[images];
  const imageOf = new Uint32Array(count);
  for (let image = 0; image < images; image++) imageOf.fill(image, starts[image], starts[image + 1]);
  const tables = Array.from({ length: tableCount }, (_, table) => tableOf(signatures, count, table));
  const seen = new Uint32Array(count);
  let mark = 0;

  /** Calls `use` for every point that differs from a signature in few bits. */
  const alike = (query: Uint32Array, at: number, use: (point: number, bits: number) => void) => {
    mark++;
    for (const [number, { first, points }] of tables.entries()) {
      const key = keyOf(query, at, number);
      for (let i = first[key]; i < first[key + 1]; i++) {
        const point = points[i];
        if (seen[point] === mark) continue;
        seen[point] = mark;
        const bits = differingBits(query, at, signatures, point * signatureWords);
        if (bits <= mostBits) use(point, bits);
      }
    }
  };

  return {
    images,
    find(points, most) {
      const weights = new Float64Array(images);
      const pairs = new Map<number, PointPair[]>();
      for (let own = 0; own < points.count; own++) {
        const nearest = new Map<number, { point: number; bits: number }>();
        alike(points.signatures, own * signatureWords, (point, bits) => {
          const image = imageOf[point];
          const best = nearest.get(image);
          if (!best || bits < best.bits) nearest.set(image, { point, bits });
        });
        if (nearest.size === 0 || nearest.size > Math.max(20, mostCommon * images)) continue;
        const weight = Math.log((images + 1) / nearest.size);
        for (const [image, { point }] of nearest) {
          weights[image] += weight;
          const list = pairs.get(image);
          const pair = { own, other: point - starts[image], weight };
          if (list) list.push(pair);
          else pairs.set(image, [pair]);
        }
      }
      return [...pairs]
        .map(([image, pairs]) => ({ image, weight: weights[image], pairs }))
        .sort((a, b) => b.weight - a.weight || a.image - b.image)
        .slice(0, most);
    },
  };
}

interface Table {
  /** Where the points of each key begin. */
  readonly first: Uint32Array;
  readonly points: Uint32Array;
}

function tableOf(signatures: Uint32Array, count: number, number: number): Table {
  const first = new Uint32Array(2 ** keyBits + 1);
  for (let i = 0; i < count; i++) first[keyOf(signatures, i * signatureWords, number) + 1]++;
  for (let key = 0; key < 2 ** keyBits; key++) first[key + 1] += first[key];
  const next = first.slice();
  const points = new Uint32Array(count);
  for (let i = 0; i < count; i++) points[next[keyOf(signatures, i * signatureWords, number)]++] = i;
  return { first, points };
}

/** Bits `10 n` to `10 n + 9` of a signature. */
function keyOf(signatures: Uint32Array, at: number, number: number): number {
  const bit = number * keyBits;
  const [word, offset] = [at + (bit >> 5), bit & 31];
  const low = signatures[word] >>> offset;
  const high = offset + keyBits > 32 ? signatures[word + 1] << (32 - offset) : 0;
  return (low | high) & (2 ** keyBits - 1);
}

function differingBits(a: Uint32Array, i: number, b: Uint32Array, j: number): number {
  let bits = 0;
  for (let word = 0; word < signatureWords; word++) bits += bitCount(a[i + word] ^ b[j + word]);
  return bits;
}
