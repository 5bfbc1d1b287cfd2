import { mapped } from '../tensor/filled.ts';
import { type Tensor, tensor } from '../tensor/tensor.ts';
import { base64 } from './base64.ts';
import { divergingColour, type Ground, overlayColour } from './colour-map.ts';
import { type Frame, isSeen } from './frame.ts';
import { pngOf } from './png.ts';
import type { SignedMap } from './signed-map.ts';

/** Colours each side of 0. Few enough that images of noise stay small, more than an eye tells apart. */
const levels = 60;

/** Level of each pixel, −60 to 60. */
function levelsOf({ values, perPercent }: SignedMap, limit: number): Int8Array {
  const factor = limit > 0 ? (perPercent / limit) * levels : 0;
  return mapped(Int8Array, values.data, (value) => Math.round(Math.max(-levels, Math.min(levels, value * factor))));
}

/** The map alone, opaque: height × width × 3. `limit`: the value, per 1 % of the view, that gets the end colour. */
export function plainMap(map: SignedMap, limit: number, ground: Ground = 'light'): Tensor<'uint8'> {
  const colours = table((value) => divergingColour(value, ground));
  return paint(map, limit, colours, 3);
}

/** The map with opacity, to lie over an image: height × width × 4. */
export function overlayMap(map: SignedMap, limit: number): Tensor<'uint8'> {
  return paint(map, limit, table(overlayColour), 4);
}

/** The map over its image, which is drawn grey and light so that colour means attribution only. */
export function overlayImage(map: SignedMap, limit: number, frame: Frame): Tensor<'uint8'> {
  const over = overlayMap(map, limit).data;
  const pixels = greyImage(frame).data.slice();
  for (let i = 0; i < over.length / 4; i++) {
    // The strongest positions let the image through a little, so that one sees what is there.
    const opacity = (0.88 * over[4 * i + 3]) / 255;
    for (let c = 0; c < 3; c++)
      pixels[3 * i + c] = Math.round((1 - opacity) * pixels[3 * i + c] + opacity * over[4 * i + c]);
  }
  return tensor('uint8', frame.image.shape, pixels);
}

/** An image in light greys; what the model did not see is darker. */
export function greyImage(frame: Frame): Tensor<'uint8'> {
  const { image } = frame;
  const [height, width] = image.shape;
  const pixels = new Uint8Array(image.data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = 3 * (y * width + x);
      const seen = isSeen(frame, y, x);
      const grey = 0.299 * image.data[at] + 0.587 * image.data[at + 1] + 0.114 * image.data[at + 2];
      pixels.fill(Math.round(seen ? 70 + 0.7 * grey : 0.45 * grey), at, at + 3);
    }
  }
  return tensor('uint8', image.shape, pixels);
}

function table<C extends readonly number[]>(colour: (value: number) => C): C[] {
  return Array.from({ length: 2 * levels + 1 }, (_, i) => colour((i - levels) / levels));
}

function paint(
  map: SignedMap,
  limit: number,
  colours: readonly (readonly number[])[],
  channels: number,
): Tensor<'uint8'> {
  const [height, width] = map.values.shape;
  const pixels = new Uint8Array(height * width * channels);
  levelsOf(map, limit).forEach((level, i) => {
    const colour = colours[level + levels];
    for (let c = 0; c < channels; c++) pixels[i * channels + c] = colour[c];
  });
  return tensor('uint8', [height, width, channels], pixels);
}

/** Packs a photograph smaller than PNG does; where none is given, photographs are PNG too. */
export type EncodePhotograph = (
  pixels: Tensor<'uint8'>,
) => Promise<{ readonly type: string; readonly bytes: Uint8Array }>;

/** An image as a data URI: PNG where every pixel counts, else as `photograph` packs it. */
export async function dataUri(
  pixels: Tensor<'uint8'>,
  form: 'png' | 'photograph',
  photograph?: EncodePhotograph,
): Promise<string> {
  const [height, width] = pixels.shape;
  if (form === 'png' || height * width <= 4096 || !photograph) return `data:image/png;base64,${base64(pngOf(pixels))}`;
  const { type, bytes } = await photograph(pixels);
  return `data:${type};base64,${base64(bytes)}`;
}
