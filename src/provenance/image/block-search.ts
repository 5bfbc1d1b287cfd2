import { dotsAtOnce, integerDots } from '../text/integer-dots.ts';
import {
  type BlockPlace,
  type Blocks,
  blockPlaces,
  blockScale,
  blockSide,
  blocksAt,
  blockWidth,
  squaredLengths,
} from './blocks.ts';
import type { Box, MatchedRegion } from './region.ts';
import { type Planes, thumbnailLevels, thumbnailSide, thumbnailSize } from './thumbnail.ts';

/** Blocks that lie alike in two images, at one shift. */
export interface MatchedBlocks {
  /** Σ over the best six of how improbable so near a block is, in nats. */
  readonly evidence: number;
  /** Places of these blocks in the traced image, and in the other one. */
  readonly own: readonly BlockPlace[];
  readonly other: readonly BlockPlace[];
}

/** The part of both images that some blocks cover, as a region. @param size height and width of the other image */
export function regionOfBlocks(
  { evidence, own, other }: MatchedBlocks,
  [height, width]: readonly [number, number],
): MatchedRegion {
  const longer = Math.max(height, width);
  const { left, top, right, bottom } = boxOf(other);
  // Places of the other image are told in parts of its longer side.
  const [x, y] = [width / longer, height / longer];
  const placed = { left: left * x, right: right * x, top: top * y, bottom: bottom * y };
  return { weight: evidence, points: own.length, mirrored: false, factor: 1, own: boxOf(own), other: placed };
}

function boxOf(places: readonly BlockPlace[]): Box {
  const box = { left: 1, top: 1, right: 0, bottom: 0 };
  for (const { x, y } of places) {
    box.left = Math.min(box.left, x / thumbnailSide);
    box.top = Math.min(box.top, y / thumbnailSide);
    box.right = Math.max(box.right, (x + blockSide) / thumbnailSide);
    box.bottom = Math.max(box.bottom, (y + blockSide) / thumbnailSide);
  }
  return box;
}

/** Finds images that show a small part of another one, of the same size, anywhere. */
export interface BlockSearch {
  find(thumbnail: Uint8Array): ReadonlyMap<number, MatchedBlocks>;
}

/** Pixels of a thumbnail between the blocks of an image of the data; those of a traced one lie at every pixel. */
const step = 2;
/** Blocks of a traced image that are looked for, those that come least near to other places of it. */
const mostBlocks = 64;
/** Blocks that are counted at one shift: more of them would say again what these say. */
const counted = 6;
/** Root mean square difference in Oklab that noise alone makes. */
const noise = 0.02;
/**
 * Shares of the images between whose distances their fall is measured. Images that share a part are fewer than the first;
 * a stamp on more than that is common.
 */
const bulk = [0.05, 0.3] as const;
/** Steepest fall that is believed. */
const mostSteep = 30;
/** Images below which how distances fall is not known, and no block is rare. */
export const leastImages = 100;
/** Blocks of one image as near as this, in parts of their side, are the same place. */
const samePlace = 0.4;

/**
 * Small parts of an image in others: blocks of a quarter of the side, compared by the bytes of 4 × 4 means, every block of
 * the traced image with every one of the data. How improbable a distance d is follows from how the distances of all images
 * fall: `n · log(d₀ / d)`, with d₀ the distance that 5 % of the images stay below and n the slope between 5 and 30 % (the
 * dimension in which the images lie around the block). A stamp lies far from all images but its own family, a piece of
 * texture has neighbours at every distance. What recurs in the traced image itself is a texture, and only counts nearer than it recurs.
 * Source: Hill 1975 and Levina, Bickel 2004 (NIPS) for the slope; Lowe 2004 for the comparison with the next best place.
 */
export function searchBlocks(thumbnails: Uint8Array, count: number): BlockSearch {
  const places = blockPlaces(thumbnailSide, step);
  const each = places.length;
  let known: { codes: Int8Array; squares: Int32Array } | undefined;
  // Described at the first question: an index may be opened for others.
  const described = () => {
    if (known) return known;
    const codes = new Int8Array(count * each * blockWidth);
    for (let image = 0; image < count; image++) {
      const [planes] = thumbnailLevels(thumbnails.subarray(image * thumbnailSize, (image + 1) * thumbnailSize));
      codes.set(blocksAt(planes, places).codes, image * each * blockWidth);
    }
    known = { codes, squares: squaredLengths(codes) };
    return known;
  };
  return {
    find(thumbnail) {
      if (count < leastImages) return new Map();
      const [planes] = thumbnailLevels(thumbnail);
      const { own, recurring } = striking(planes, places);
      const { codes, squares } = described();
      const near = nearestBlocks(own, codes, squares, count);
      const evidence = own.places.map((_, block) => evidenceOf(near.distances[block], recurring[block]));
      return agreeing(own.places, places, evidence, near.blocks, count);
    },
  };
}

/** The blocks of an image that come least near to other places of it, and how near that is. */
function striking(
  planes: Planes,
  places: readonly BlockPlace[],
): { readonly own: Blocks; readonly recurring: number[] } {
  const all = blocksAt(planes, blockPlaces(thumbnailSide, 1));
  const nearness = recurrences(all, blocksAt(planes, places));
  const first = [...nearness.keys()].sort((a, b) => nearness[b] - nearness[a] || a - b).slice(0, mostBlocks);
  const codes = new Int8Array(first.length * blockWidth);
  for (const [i, block] of first.entries())
    codes.set(all.codes.subarray(block * blockWidth, (block + 1) * blockWidth), i * blockWidth);
  return {
    own: { places: first.map((block) => all.places[block]), codes },
    recurring: first.map((block) => nearness[block]),
  };
}

/** For each block of the traced image, the nearest block of every image, and its distance. */
function nearestBlocks(own: Blocks, codes: Int8Array, squares: Int32Array, count: number) {
  const each = squares.length / count;
  const images = Math.floor(dotsAtOnce / each);
  const dots = integerDots(blockWidth);
  const queries = own.places.map((_, q) => Int32Array.from(own.codes.subarray(q * blockWidth, (q + 1) * blockWidth)));
  const lengths = squaredLengths(own.codes);
  const distances = queries.map(() => new Float32Array(count));
  const blocks = queries.map(() => new Uint16Array(count));
  for (let image = 0; image < count; image += images) {
    const some = Math.min(images, count - image);
    dots.load(codes, image * each, some * each);
    for (const [q, query] of queries.entries()) {
      const products = dots.products(query);
      for (let i = 0; i < some; i++) {
        const block = nearestOf(squares, products, (image + i) * each, i * each, each);
        distances[q][image + i] = distanceOf(
          squares[(image + i) * each + block] - 2 * products[i * each + block] + lengths[q],
        );
        blocks[q][image + i] = block;
      }
    }
  }
  return { distances, blocks };
}

/** The block b of an image with the smallest ‖b‖² − 2 q·b. */
function nearestOf(squares: Int32Array, products: Int32Array, first: number, from: number, each: number): number {
  let [smallest, best] = [Number.POSITIVE_INFINITY, 0];
  for (let block = 0; block < each; block++) {
    const away = squares[first + block] - 2 * products[from + block];
    if (away < smallest) [smallest, best] = [away, block];
  }
  return best;
}

/** Root mean square difference in Oklab, with what noise adds. */
const distanceOf = (squares: number): number =>
  Math.sqrt(squares / ((blockWidth / 3) * blockScale * blockScale) + noise * noise);

/** How near each block comes to other places of the traced image itself. */
function recurrences(own: Blocks, everywhere: Blocks): number[] {
  return own.places.map((place, q) => {
    let least = Number.POSITIVE_INFINITY;
    for (const [at, other] of everywhere.places.entries()) {
      if (Math.max(Math.abs(place.x - other.x), Math.abs(place.y - other.y)) < samePlace * blockSide) continue;
      let sum = 0;
      for (let i = 0; i < blockWidth; i++)
        sum += (own.codes[q * blockWidth + i] - everywhere.codes[at * blockWidth + i]) ** 2;
      least = Math.min(least, sum);
    }
    return distanceOf(least);
  });
}

/** How improbable the distances of all images from a block are, in nats; 0 where they are not. */
function evidenceOf(distances: Float32Array, recurring: number): Float32Array {
  const sorted = distances.slice().sort();
  const [near, far] = bulk.map((share) => sorted[Math.floor(share * sorted.length)]);
  const slope = far > near ? Math.min(mostSteep, Math.log(bulk[1] / bulk[0]) / Math.log(far / near)) : 0;
  const from = Math.min(near, recurring);
  const nats = new Float32Array(distances.length);
  for (const [image, away] of distances.entries()) if (away < from) nats[image] = slope * Math.log(from / away);
  return nats;
}

/** Of each image the shift at which its best blocks say most. */
function agreeing(
  own: readonly BlockPlace[],
  other: readonly BlockPlace[],
  evidence: readonly Float32Array[],
  blocks: readonly Uint16Array[],
  count: number,
): Map<number, MatchedBlocks> {
  const found = new Map<number, MatchedBlocks>();
  for (let image = 0; image < count; image++) {
    const shifts = new Map<number, number[]>();
    for (const [q, nats] of evidence.entries()) {
      if (nats[image] <= 0) continue;
      const place = other[blocks[q][image]];
      // Two pixels apart is one shift: what lies between two blocks of the data matches either.
      const [right, down] = [own[q].x - place.x, own[q].y - place.y].map((shift) => (shift + 2 * thumbnailSide) >> 1);
      const key = right * 256 + down;
      const list = shifts.get(key);
      if (list) list.push(q);
      else shifts.set(key, [q]);
    }
    let most = 0;
    for (const list of shifts.values()) {
      const best = list.sort((a, b) => evidence[b][image] - evidence[a][image]).slice(0, counted);
      const sum = best.reduce((all, q) => all + evidence[q][image], 0);
      if (sum <= most) continue;
      most = sum;
      found.set(image, {
        evidence: sum,
        own: best.map((q) => own[q]),
        other: best.map((q) => other[blocks[q][image]]),
      });
    }
  }
  return found;
}
