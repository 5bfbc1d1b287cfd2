import { resizeImage } from '../data/formats/resize.ts';
import { type GridTransform, transformForGrid } from '../data/inputs/grid.ts';
import { unprocessImage } from '../data/inputs/image-input.ts';
import type { ImageInput } from '../data/model/preprocessing.ts';
import { describedInput } from '../explain/described-input.ts';
import { type Explained, storedTensor } from '../explain/explained.ts';
import { toFloat32 } from '../tensor/convert.ts';
import { maxOf } from '../tensor/extremes.ts';
import { type Tensor, tensor } from '../tensor/tensor.ts';

/** The image that an explanation's maps are drawn on. */
export interface Frame {
  /** height × width × 3 */
  readonly image: Tensor<'uint8'>;
  /** How the model's input grid lies over it. */
  readonly transform: GridTransform;
  /** source: the file as it was given. seen: what the model was fed, as an image. values: its numbers as grey levels. */
  readonly from: 'source' | 'seen' | 'values';
}

/** Longest side of a drawn image in pixels: larger sources are shrunk, so that pages stay small. */
const longestSide = 448;

/** Name of the explained input that is an image, if there is one. */
export function imageInput({ document }: Explained): string | undefined {
  const axes = document.input.layout.spatialAxes;
  if (axes?.length !== 2) return undefined;
  return document.explained.find((name) => (document.input.tensors[name]?.shape.length ?? 0) > maxOf(axes));
}

/** The image to draw on: the source where it is known together with how the model's grid lies over it, else the input. */
export async function frameOf(explained: Explained): Promise<Frame | undefined> {
  const name = imageInput(explained);
  if (name === undefined) return undefined;
  const { document, image } = explained;
  const { transform } = document.input;
  if (image && transform && transform.source[0] === image.shape[0] && transform.source[1] === image.shape[1]) {
    const factor = Math.min(1, longestSide / maxOf(transform.source));
    const size = transform.source.map((side) => Math.max(1, Math.round(side * factor))) as [number, number];
    const scale = size.map((side, axis) => (transform.scale[axis] * transform.source[axis]) / side) as [number, number];
    return {
      image: resizeImage(image, size, 'bilinear'),
      transform: { ...transform, source: size, scale },
      from: 'source',
    };
  }
  const seen = inputImage(explained, storedTensor(explained, document.input.tensors[name].key), name);
  const grid: [number, number] = [seen.pixels.shape[0], seen.pixels.shape[1]];
  return { image: seen.pixels, transform: { source: grid, grid, scale: [1, 1], offset: [0, 0] }, from: seen.from };
}

/** Whether the model saw a pixel of the frame's image. */
export function isSeen({ transform: { offset, scale, grid } }: Frame, y: number, x: number): boolean {
  const [row, column] = [offset[0] + scale[0] * (y + 0.5), offset[1] + scale[1] * (x + 0.5)];
  return row >= 0 && row < grid[0] && column >= 0 && column < grid[1];
}

/** The transform for a map of another grid over the same view. */
export function frameTransform({ transform }: Frame, grid: readonly [number, number]): GridTransform {
  return transformForGrid(transform, grid);
}

/** An input tensor (or a baseline) as an image: by the preprocessing if that is known, else from its least to its largest value. */
export function inputImage(
  { document }: Explained,
  input: Tensor,
  name: string,
): { readonly pixels: Tensor<'uint8'>; readonly from: 'seen' | 'values' } {
  const preprocessing = imagePreprocessing(document.preprocessing, name);
  if (preprocessing && fits(input, preprocessing))
    return { pixels: unprocessImage(input, preprocessing).pixels[0], from: 'seen' };
  return { pixels: greyLevels(input, document.input.layout), from: 'values' };
}

function imagePreprocessing(preprocessing: unknown, name: string): ImageInput | undefined {
  const input = describedInput(preprocessing, name);
  return input?.kind === 'image' ? input : undefined;
}

function fits({ shape }: Tensor, { size, layout, colour }: ImageInput): boolean {
  const channels = colour === 'grey' ? 1 : 3;
  const wanted = layout === 'NCHW' ? [channels, ...size] : [...size, channels];
  const found = shape.length === 4 ? shape.slice(1) : shape;
  return found.length === 3 && wanted.every((side, axis) => side === found[axis]);
}

/** The mean over channels (three channels stay colours), stretched to 0–255. A tensor of one value everywhere is mid-grey. */
function greyLevels(input: Tensor, layout: { channelAxis?: number; spatialAxes?: number[] }): Tensor<'uint8'> {
  const [rows, columns] = layout.spatialAxes as [number, number];
  const { shape } = input;
  const [height, width] = [shape[rows], shape[columns]];
  const channels = layout.channelAxis === undefined ? 1 : shape[layout.channelAxis];
  const colours = channels === 3 ? 3 : 1;
  const values = toFloat32(input).data;
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, side) => product * side, 1));
  const planes = new Float64Array(height * width * colours);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        const at =
          y * strides[rows] +
          x * strides[columns] +
          (layout.channelAxis === undefined ? 0 : c * strides[layout.channelAxis]);
        planes[(y * width + x) * colours + (colours === 3 ? c : 0)] += values[at] / (colours === 3 ? 1 : channels);
      }
    }
  }
  let [least, largest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of planes) [least, largest] = [Math.min(least, value), Math.max(largest, value)];
  const range = largest - least;
  const pixels = new Uint8Array(height * width * 3);
  for (let i = 0; i < pixels.length; i++) {
    const value = planes[colours === 3 ? i : Math.floor(i / 3)];
    pixels[i] = range > 0 ? Math.round((255 * (value - least)) / range) : 128;
  }
  return tensor('uint8', [height, width, 3], pixels);
}
