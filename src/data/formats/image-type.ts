import type { Tensor } from '../../tensor/tensor.ts';

/** Endings of the names of files that `readImage` reads. */
export const imageExtensions: ReadonlySet<string> = new Set([
  '.png',
  '.jpg',
  '.jpeg',
  '.webp',
  '.gif',
  '.avif',
  '.tif',
  '.tiff',
  '.bmp',
  '.svg',
]);

/** An image as a person sees it: upright, opaque, 8 bits. */
export interface Image {
  /** height × width × 3, RGB, 0–255. */
  readonly pixels: Tensor<'uint8'>;
  /** What reading changed about the image, each a sentence: turned upright, transparency filled, … */
  readonly notes: readonly string[];
}

/** Red, green, blue, 0–255. */
export type Colour = readonly [number, number, number];
