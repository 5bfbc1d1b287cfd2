import { variantOf } from '../../data/formats/image-variant.ts';
import { resizeImage } from '../../data/formats/resize.ts';
import type { Random } from '../../tensor/random.ts';
import { type Tensor, tensor } from '../../tensor/tensor.ts';
import { mirrored } from './oklab.ts';

/** Makes of an image what somebody who copies it might. */
export type PlantedChange = (image: Tensor<'uint8'>, source: Random) => Tensor<'uint8'>;

/** The changes that weights are fitted on. */
export const plantedChanges = {
  mirrored,
  cropped,
  shrunk,
  recoloured,
  rebrightened,
  framed,
} as const satisfies Readonly<Record<string, PlantedChange>>;

/** 50 to 80 % of the area, anywhere. */
function cropped(image: Tensor<'uint8'>, source: Random): Tensor<'uint8'> {
  const [rows, columns] = image.shape;
  const share = Math.sqrt(0.5 + 0.3 * source.uniform());
  const [height, width] = [Math.max(1, Math.round(rows * share)), Math.max(1, Math.round(columns * share))];
  const part = { top: source.integer(rows - height + 1), left: source.integer(columns - width + 1), height, width };
  return variantOf(image, { mirrored: false, part, brightness: 1 });
}

/** Half as large: the detail of a small copy. */
function shrunk(image: Tensor<'uint8'>): Tensor<'uint8'> {
  const [rows, columns] = image.shape;
  return resizeImage(image, [Math.max(1, rows >> 1), Math.max(1, columns >> 1)], 'bilinear');
}

/** The channels in another order. */
function recoloured({ shape, data }: Tensor<'uint8'>, source: Random): Tensor<'uint8'> {
  const shift = 1 + source.integer(2);
  const changed = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 3) for (let c = 0; c < 3; c++) changed[i + c] = data[i + ((c + shift) % 3)];
  return tensor('uint8', shape, changed);
}

/** Contrast × 0.7 to 1.2, brightness up to 20 levels. */
function rebrightened({ shape, data }: Tensor<'uint8'>, source: Random): Tensor<'uint8'> {
  const [contrast, brightness] = [0.7 + 0.5 * source.uniform(), 40 * (source.uniform() - 0.5)];
  const changed = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++)
    changed[i] = Math.max(0, Math.min(255, Math.round(128 + contrast * (data[i] - 128) + brightness)));
  return tensor('uint8', shape, changed);
}

/** In a frame of one colour, a tenth of the sides wide. */
function framed(image: Tensor<'uint8'>, source: Random): Tensor<'uint8'> {
  const [rows, columns] = image.shape;
  const border = Math.ceil(Math.max(rows, columns) / 10);
  const [height, width] = [rows + 2 * border, columns + 2 * border];
  const data = new Uint8Array(height * width * 3);
  const colour = [source.integer(256), source.integer(256), source.integer(256)];
  for (let i = 0; i < data.length; i++) data[i] = colour[i % 3];
  for (let y = 0; y < rows; y++)
    data.set(image.data.subarray(y * columns * 3, (y + 1) * columns * 3), ((y + border) * width + border) * 3);
  return tensor('uint8', [height, width, 3], data);
}
