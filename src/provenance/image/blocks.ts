import type { Planes } from './thumbnail.ts';

/** Means along each side of a block, and numbers of its description. */
const cells = 4;
export const blockWidth = 3 * cells * cells;

/** Pixels of a thumbnail along each side of a block: a quarter of the image. */
export const blockSide = 8;
const cell = blockSide / cells;

/** What 1 in Oklab is in the bytes of a description: steps of .006, finer than the noise of images. */
export const blockScale = 160;

/** Where a block lies: its top left pixel in a thumbnail. */
export interface BlockPlace {
  readonly x: number;
  readonly y: number;
}

/** Blocks of an image, one after the other. */
export interface Blocks {
  readonly places: readonly BlockPlace[];
  /** places × {@link blockWidth}: 4 × 4 means of each plane of Oklab. */
  readonly codes: Int8Array;
}

/** Places of blocks that are a step apart. */
export function blockPlaces(side: number, step: number): BlockPlace[] {
  const places: BlockPlace[] = [];
  for (let y = 0; y + blockSide <= side; y += step)
    for (let x = 0; x + blockSide <= side; x += step) places.push({ x, y });
  return places;
}

/** Describes the blocks of an image at some places. */
export function blocksAt(planes: Planes, places: readonly BlockPlace[]): Blocks {
  const { side } = planes;
  const codes = new Int8Array(places.length * blockWidth);
  let at = 0;
  for (const { x, y } of places)
    for (let k = 0; k < blockWidth; k++) {
      const [plane, row, column] = [Math.floor(k / cells ** 2), Math.floor(k / cells) % cells, k % cells];
      const mean = cellMean(planes, (plane * side + y + row * cell) * side + x + column * cell);
      // Lightness goes from 0 to 1, the others from about −0.3 to 0.3.
      codes[at++] = Math.max(-127, Math.min(127, Math.round(blockScale * (mean - (plane === 0 ? 0.5 : 0)))));
    }
  return { places, codes };
}

function cellMean({ side, data }: Planes, from: number): number {
  let sum = 0;
  for (let v = 0; v < cell; v++) for (let u = 0; u < cell; u++) sum += data[from + v * side + u];
  return sum / cell ** 2;
}

/** Sum of squares of each block. */
export function squaredLengths(codes: Int8Array): Int32Array {
  const squares = new Int32Array(codes.length / blockWidth);
  for (let i = 0; i < codes.length; i++) squares[Math.floor(i / blockWidth)] += codes[i] ** 2;
  return squares;
}
