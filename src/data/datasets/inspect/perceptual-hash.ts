import type { Tensor } from '../../../tensor/tensor.ts';

/** What images are compared by: bits of differences, and a small grey image that settles it. */
export interface ImageSketch {
  /** dHash: of 8 rows of 9 average brightnesses, whether each is brighter than the one to its right; 2 × 32 bits. */
  readonly bits: readonly [number, number];
  /** 16×16 average brightnesses, 0–255. */
  readonly thumbnail: Uint8Array;
}

const thumbnailSide = 16;

/** The sketch of an image, height × width × 3: it changes little when the image is compressed, resized or brightened a little. */
export function sketchOf({ data, shape: [height, width] }: Tensor<'uint8'>): ImageSketch {
  const grey = averages(data, height, width, 8, 9);
  const bits: [number, number] = [0, 0];
  for (let y = 0; y < 8; y++) {
    for (let x = 0; x < 8; x++) {
      const at = y * 9 + x;
      const bit = y * 8 + x;
      // One level: the noise of a compression decides nothing in a flat part.
      if (grey[at] > grey[at + 1] + 1) bits[bit >> 5] |= 1 << (bit & 31);
    }
  }
  const thumbnail = averages(data, height, width, thumbnailSide, thumbnailSide);
  return { bits: [bits[0] >>> 0, bits[1] >>> 0], thumbnail: Uint8Array.from(thumbnail) };
}

/** Average brightness of the cells of a grid that is laid over an image; a pixel counts for each cell by their common area. */
function averages(rgb: Uint8Array, height: number, width: number, rows: number, columns: number): Float64Array {
  const result = new Float64Array(rows * columns);
  const across = overlaps(width, columns);
  const line = new Float64Array(columns);
  for (const [y, shares] of overlaps(height, rows).entries()) {
    line.fill(0);
    for (const [x, own] of across.entries()) {
      const i = (y * width + x) * 3;
      const grey = 0.299 * rgb[i] + 0.587 * rgb[i + 1] + 0.114 * rgb[i + 2];
      for (const [cell, share] of own) line[cell] += share * grey;
    }
    for (const [cell, share] of shares) for (let c = 0; c < columns; c++) result[cell * columns + c] += share * line[c];
  }
  return result;
}

/** For each of `size` pixels: the cells that it overlaps, and its share of each. */
function overlaps(size: number, cells: number): (readonly [cell: number, share: number])[][] {
  const width = size / cells;
  return Array.from({ length: size }, (_, pixel) => {
    const found: [number, number][] = [];
    for (let cell = Math.floor(pixel / width); cell < cells && cell * width < pixel + 1; cell++) {
      const share = (Math.min(pixel + 1, (cell + 1) * width) - Math.max(pixel, cell * width)) / width;
      if (share > 0) found.push([cell, share]);
    }
    return found;
  });
}

/** Bits in which two sketches differ, 0 to 64. */
export function differingBits(a: ImageSketch, b: ImageSketch): number {
  return ones(a.bits[0] ^ b.bits[0]) + ones(a.bits[1] ^ b.bits[1]);
}

function ones(word: number): number {
  let count = 0;
  for (let rest = word >>> 0; rest !== 0; rest = (rest & (rest - 1)) >>> 0) count++;
  return count;
}

/** Mean difference of brightness of two sketches once their mean brightness is the same, 0–255. */
export function thumbnailDistance(a: ImageSketch, b: ImageSketch): number {
  const shift = mean(a.thumbnail) - mean(b.thumbnail);
  let sum = 0;
  for (let i = 0; i < a.thumbnail.length; i++) sum += Math.abs(a.thumbnail[i] - b.thumbnail[i] - shift);
  return sum / a.thumbnail.length;
}

/** Mean distance of the thumbnail's brightnesses from their mean. */
function contrastOf({ thumbnail }: ImageSketch): number {
  const middle = mean(thumbnail);
  let sum = 0;
  for (const value of thumbnail) sum += Math.abs(value - middle);
  return sum / thumbnail.length;
}

function mean(values: Uint8Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** Most bits by which near duplicates differ, and the largest share of the contrast by which their thumbnails do. */
export const nearImages = { bits: 6, share: 0.1 } as const;

/** Pairs of sketches that are compared at most: alike ones crowd, and their number grows with the square. */
const mostComparisons = 200_000_000;

/**
 * Pairs of near duplicates: at most {@link nearImages} apart. Two that differ in at most six of 64 bits agree in one of
 * seven parts, so that only those that share a part are compared.
 * @returns `whole` is false where there were too many to compare all
 */
export function nearPairs(sketches: readonly (ImageSketch | undefined)[]): {
  readonly pairs: readonly (readonly [number, number])[];
  readonly whole: boolean;
} {
  const parts = nearImages.bits + 1;
  const pairs = new Map<number, readonly [number, number]>();
  let compared = 0;
  for (let part = 0; part < parts; part++) {
    for (const [a, b] of sharing(sketches, (sketch) => partOf(sketch, part, parts))) {
      if (++compared > mostComparisons) return { pairs: [...pairs.values()], whole: false };
      if (isNear(sketches[a] as ImageSketch, sketches[b] as ImageSketch)) pairs.set(a * sketches.length + b, [a, b]);
    }
  }
  return { pairs: [...pairs.values()], whole: true };
}

const isNear = (a: ImageSketch, b: ImageSketch): boolean =>
  differingBits(a, b) <= nearImages.bits && thumbnailDistance(a, b) <= Math.max(1, nearImages.share * contrastOf(a));

/** All pairs, the smaller place first, that share a key. */
function* sharing(
  sketches: readonly (ImageSketch | undefined)[],
  keyOf: (sketch: ImageSketch) => number,
): Generator<readonly [number, number]> {
  const earlier = new Map<number, number[]>();
  for (const [b, sketch] of sketches.entries()) {
    if (!sketch) continue;
    const key = keyOf(sketch);
    const same = earlier.get(key) ?? [];
    for (const a of same) yield [a, b];
    same.push(b);
    earlier.set(key, same);
  }
}

/** Bits `part`, `part + parts`, … of a sketch as a number. */
function partOf({ bits }: ImageSketch, part: number, parts: number): number {
  let key = 0;
  for (let bit = part; bit < 64; bit += parts) key = key * 2 + ((bits[bit >> 5] >>> (bit & 31)) & 1);
  return key;
}
