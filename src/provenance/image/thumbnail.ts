import { resizeImage } from '../../data/formats/resize.ts';
import { type Tensor, tensor } from '../../tensor/tensor.ts';
import { oklabOf } from './oklab.ts';

/** Pixels along each side of a thumbnail, and bytes of a whole one. */
export const thumbnailSide = 32;
export const thumbnailSize = 3 * thumbnailSide ** 2;

/**
 * An image as 32 × 32 means of its RGB bytes, whatever its proportions.
 * @param pixels height × width × 3
 */
export const thumbnailOf = (pixels: Tensor<'uint8'>): Uint8Array =>
  resizeImage(pixels, [thumbnailSide, thumbnailSide], 'box').data;

/** Three planes of n × n numbers in Oklab. */
export interface Planes {
  readonly side: number;
  readonly data: Float32Array;
}

/** A thumbnail in Oklab, and its means over 2 × 2 and 4 × 4 pixels: finest first. */
export type ThumbnailLevels = readonly [Planes, Planes, Planes];

export function thumbnailLevels(bytes: Uint8Array): ThumbnailLevels {
  const square = [thumbnailSide, thumbnailSide, 3];
  const fine = { side: thumbnailSide, data: oklabOf(tensor('uint8', square, new Uint8Array(bytes))).data };
  const half = halved(fine);
  return [fine, half, halved(half)];
}

function halved({ side, data }: Planes): Planes {
  const to = side >> 1;
  const means = new Float32Array(3 * to * to);
  for (let plane = 0; plane < 3; plane++)
    for (let y = 0; y < to; y++)
      for (let x = 0; x < to; x++) {
        const at = (plane * side + 2 * y) * side + 2 * x;
        means[(plane * to + y) * to + x] = (data[at] + data[at + 1] + data[at + side] + data[at + side + 1]) / 4;
      }
  return { side: to, data: means };
}

/** The planes from right to left. */
export function mirroredPlanes({ side, data }: Planes): Planes {
  const turned = new Float32Array(data.length);
  for (let row = 0; row < 3 * side; row++)
    for (let x = 0; x < side; x++) turned[row * side + x] = data[row * side + side - 1 - x];
  return { side, data: turned };
}
