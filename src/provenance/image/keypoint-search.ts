import type { Keypoints } from './keypoints.ts';
import { bitCount } from './perceptual-hash.ts';
import { ranked } from './ranked.ts';
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

/** Bits of a key; each of the tables takes its own bits of the signature, all together the whole of it. */
const keyBits = 16;
const tableCount = (32 * signatureWords) / keyBits;

/** A point that looks like some in more than this share of images is left out. */
const mostCommon = 0.1;

/** Finds the images that share points with another one. */
export interface KeypointSearch {
  readonly images: number;
  /**
   * @param most images at most, those that share the most weight
   * @param also images that are asked for whatever they share: where a pattern is common, it outweighs all the rest
   */
  find(points: Keypoints, most: number, also?: ReadonlySet<number>): PointMatches;
}

/**
 * Puts points into tables by parts of their signatures, and looks up each part as it is and with one bit turned. Two that
 * differ in at most 15 bits are found for sure, as some part of 16 then differs in one bit at most; those that differ in
 * 27 more often than not. Only points of a table entry are compared. Source: Norouzi, Punjani, Fleet 2012 (CVPR),
 * multi-index hashing.
 */
export function searchKeypoints({ starts, signatures }: KeypointCollection): KeypointSearch {
  const images = starts.length - 1;
  const imageOf = new Uint32Array(starts[images]);
  for (let image = 0; image < images; image++) imageOf.fill(image, starts[image], starts[image + 1]);
  const nearest = nearestPoints(signatures, imageOf, images);

  return {
    images,
    find(points, most, also = new Set()) {
      const weights = new Float64Array(images);
      const weightOf = new Float64Array(points.count);
      // One entry a pair, in the order of the own points; most of them belong to images that are not among the first.
      const [owns, others]: [number[], number[]] = [[], []];
      for (let own = 0; own < points.count; own++) {
        const limit = Math.max(20, mostCommon * images);
        const count = nearest.look(points.signatures, own * signatureWords, limit);
        if (count === 0 || count > limit) continue;
        weightOf[own] = Math.log((images + 1) / count);
        for (let i = 0; i < count; i++) {
          const image = nearest.images[i];
          weights[image] += weightOf[own];
          owns.push(own);
          others.push(nearest.points[image]);
        }
      }
      const pairs = new Map<number, PointPair[]>();
      for (const image of [...ranked(weights, most), ...also]) if (weights[image] > 0) pairs.set(image, []);
      for (const [i, own] of owns.entries()) {
        const image = imageOf[others[i]];
        pairs.get(image)?.push({ own, other: others[i] - starts[image], weight: weightOf[own] });
      }
      return [...pairs].map(([image, pairs]) => ({ image, weight: weights[image], pairs }));
    },
  };
}

/** Looks up which images have a point like another one, and the nearest such point of each. */
function nearestPoints(signatures: Uint32Array, imageOf: Uint32Array, images: number) {
  const count = imageOf.length;
  const tables = Array.from({ length: tableCount }, (_, table) => tableOf(signatures, count, table));
  // What was seen in this look-up carries its number, so that nothing is cleared between two.
  const [seen, found] = [new Uint32Array(count), new Uint32Array(images)];
  const [points, bits, listed] = [new Uint32Array(images), new Uint8Array(images), new Uint32Array(images)];
  let mark = 0;
  return {
    /** The images of the last look-up, and the nearest point of each image among them. */
    images: listed,
    points,
    /** How many images have such a point; where they are more than a limit, only that. */
    look(query: Uint32Array, at: number, limit: number): number {
      mark++;
      let size = 0;
      const [a, b, c, d] = [query[at], query[at + 1], query[at + 2], query[at + 3]];
      for (const [number, { first, entries }] of tables.entries()) {
        const key = keyOf(query, at, number);
        // The key as it is, then with each of its bits turned.
        for (let probe = 0; probe <= keyBits; probe++) {
          const probed = probe === 0 ? key : key ^ (1 << (probe - 1));
          const end = first[probed + 1];
          for (let i = first[probed]; i < end; i++) {
            const point = entries[i];
            if (seen[point] === mark) continue;
            seen[point] = mark;
            const j = signatureWords * point;
            let away = bitCount(a ^ signatures[j]) + bitCount(b ^ signatures[j + 1]);
            if (away > mostBits) continue;
            away += bitCount(c ^ signatures[j + 2]) + bitCount(d ^ signatures[j + 3]);
            if (away > mostBits) continue;
            const image = imageOf[point];
            if (found[image] !== mark) {
              found[image] = mark;
              listed[size++] = image;
            } else if (away >= bits[image]) continue;
            bits[image] = away;
            points[image] = point;
          }
          if (size > limit) return size;
        }
      }
      return size;
    },
  };
}

interface Table {
  /** Where the points of each key begin. */
  readonly first: Uint32Array;
  readonly entries: Uint32Array;
}

function tableOf(signatures: Uint32Array, count: number, number: number): Table {
  const first = new Uint32Array(2 ** keyBits + 1);
  for (let i = 0; i < count; i++) first[keyOf(signatures, i * signatureWords, number) + 1]++;
  for (let key = 0; key < 2 ** keyBits; key++) first[key + 1] += first[key];
  const next = first.slice();
  const entries = new Uint32Array(count);
  for (let i = 0; i < count; i++) entries[next[keyOf(signatures, i * signatureWords, number)]++] = i;
  return { first, entries };
}

/** Bits `16 n` to `16 n + 15` of a signature. */
function keyOf(signatures: Uint32Array, at: number, number: number): number {
  return (signatures[at + (number >> 1)] >>> (keyBits * (number & 1))) & (2 ** keyBits - 1);
}
