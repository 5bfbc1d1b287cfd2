import { resizeImage } from '../../data/formats/resize.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** An image as three planes of a perceptual colour space, one after the other. */
export interface OklabImage {
  readonly height: number;
  readonly width: number;
  /** Lightness 0–1, then a (green to red) and b (blue to yellow), about −0.3 to 0.3 each: 3 × height × width. */
  readonly data: Float32Array;
}

const linear = new Float64Array(256);
for (let i = 0; i < 256; i++) {
  const value = i / 255;
  linear[i] = value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

/**
 * RGB bytes (height × width × 3) as Oklab, in which equal distances look about equal.
 * Source: Ottosson 2020, "A perceptual color space for image processing".
 */
export function oklabOf({ shape: [height, width], data: rgb }: Tensor<'uint8'>): OklabImage {
  const size = height * width;
  const data = new Float32Array(3 * size);
  for (let i = 0; i < size; i++) {
    const [r, g, b] = [linear[rgb[3 * i]], linear[rgb[3 * i + 1]], linear[rgb[3 * i + 2]]];
    const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    data[i] = 0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s;
    data[size + i] = 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s;
    data[2 * size + i] = 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s;
  }
  return { height, width, data };
}

/** The image with its longer side at a length, proportions kept. */
export function withLongerSide(pixels: Tensor<'uint8'>, longer: number): Tensor<'uint8'> {
  const [height, width] = pixels.shape;
  const factor = longer / Math.max(height, width);
  const side = (length: number) => Math.max(1, Math.round(length * factor));
  return resizeImage(pixels, [side(height), side(width)], 'bilinear');
}

/** The image from right to left. */
export function mirrored({ type, shape, data }: Tensor<'uint8'>): Tensor<'uint8'> {
  const [height, width, channels] = shape;
  const turned = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [to, from] = [(y * width + x) * channels, (y * width + width - 1 - x) * channels];
      for (let c = 0; c < channels; c++) turned[to + c] = data[from + c];
    }
  }
  return { type, shape, data: turned };
}
