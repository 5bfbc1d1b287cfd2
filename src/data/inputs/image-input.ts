import { WhereforeError } from '../../errors.ts';
import { toFloat32 } from '../../tensor/convert.ts';
import { maxOf, minOf } from '../../tensor/extremes.ts';
import { float32, formatShape, type Tensor, tensor } from '../../tensor/tensor.ts';
import type { Colour, Image } from '../formats/image-type.ts';
import { resizeImage } from '../formats/resize.ts';
import type { ImageInput, Preprocessing } from '../model/preprocessing.ts';
import type { GridTransform } from './grid.ts';

/**
 * The input of a model that says how it is made from an image.
 * @param where what is to be read, for messages
 * @throws WhereforeError `invalid-argument` where no input says so, or several do
 */
export function describedImage(
  { inputs }: Preprocessing,
  where: string,
): { readonly name: string; readonly preprocessing: ImageInput } {
  const [found, ...others] = Object.entries(inputs).flatMap(([name, input]) =>
    input.kind === 'image' ? [{ name, preprocessing: input }] : [],
  );
  if (found && others.length === 0) return found;
  throw new WhereforeError(
    'invalid-argument',
    found ? 'the model has several image inputs' : 'the model does not say how an image becomes its input',
    { where, fix: 'describe the input in a wherefore.yaml beside the model, or give its tensors, e.g. as .npz' },
  );
}

/** How an image becomes an input, in a line of words. */
export function describeImageInput(input: ImageInput): string {
  const { size, resize, shorterSide, whole, kernel, antialias, pad, layout, colour, range, scale, mean, std } = input;
  const filter = `${kernel}${antialias === false ? ' without antialiasing' : ''}`;
  const [height, width] = size;
  const before = whole
    ? `resized to ${whole.join('×')}`
    : `shorter side resized to ${shorterSide ?? Math.max(height, width)}`;
  const fitted = {
    stretch: `resized to ${height}×${width} (${filter})`,
    crop: `${before} (${filter}), ${height}×${width} cut out of the centre`,
    letterbox: `fitted into ${height}×${width} (${filter}), padded with ${[pad ?? 0].flat().join(', ')}`,
  }[resize];
  const values = range ? `0–255 become ${range[0]} to ${range[1]}` : `0–255 times ${scale}`;
  const list = (value: number | number[]) => [value].flat().join(', ');
  const differs = (value: number | number[], plain: number) => [value].flat().some((one) => one !== plain);
  const normalised = [
    ...(differs(mean, 0) ? [`minus ${list(mean)}`] : []),
    ...(differs(std, 1) ? [`divided by ${list(std)}`] : []),
  ];
  return [fitted, colour, layout, values, ...normalised].join('; ');
}

/** An image made ready for a model. */
export interface PreparedImage {
  /** 1×C×H×W or 1×H×W×C float32, in the model's own units. */
  readonly tensor: Tensor<'float32'>;
  /** H×W×3 RGB: what the model sees, before colours are reordered and values scaled. */
  readonly seen: Tensor<'uint8'>;
  /** How the model's pixels lie over the source image. */
  readonly transform: GridTransform;
}

/** Resizes, reorders and scales an image as its preprocessing says: `(low + pixel · scale − mean_c) / std_c`. */
export async function preprocessImage(image: Image | Tensor<'uint8'>, input: ImageInput): Promise<PreparedImage> {
  const pixels = 'pixels' in image ? image.pixels : image;
  const { seen, transform } = fitImage(input.colour === 'grey' ? greyImage(pixels) : pixels, input);
  const [height, width] = input.size;
  const { channels, order, low, scale, mean, std } = unitsOf(input);
  const area = height * width;
  const values = new Float32Array(area * channels);
  const [pixelStep, channelStep] = input.layout === 'NCHW' ? [1, area] : [channels, 1];
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < area; i++) {
      const pixel = seen.data[i * 3 + (channels === 1 ? 0 : order[c])];
      values[i * pixelStep + c * channelStep] = (low + pixel * scale - mean[c]) / std[c];
    }
  }
  return { tensor: float32(shapeOf(input), values), seen, transform };
}

function shapeOf({ size: [height, width], layout, colour }: ImageInput): number[] {
  const channels = colour === 'grey' ? 1 : 3;
  return layout === 'NCHW' ? [1, channels, height, width] : [1, height, width, channels];
}

/** ITU-R BT.601 luma in the integers of Pillow's `convert('L')`: .299 R + .587 G + .114 B. */
function greyOf(rgb: ArrayLike<number>, at: number): number {
  return (19595 * rgb[at] + 38470 * rgb[at + 1] + 7471 * rgb[at + 2] + 0x8000) >> 16;
}

/** Grey in all three channels: what `convert('L')` makes of an image, before it is resized. */
function greyImage({ data, shape }: Tensor<'uint8'>): Tensor<'uint8'> {
  const grey = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 3) grey[i] = grey[i + 1] = grey[i + 2] = greyOf(data, i);
  return tensor('uint8', shape, grey);
}

function unitsOf(input: ImageInput) {
  const channels = input.colour === 'grey' ? 1 : 3;
  const [low, scale] = input.range
    ? [input.range[0], (input.range[1] - input.range[0]) / 255]
    : [0, input.scale as number];
  const each = (value: number | number[]) => (Array.isArray(value) ? value : new Array<number>(channels).fill(value));
  const order = input.colour === 'BGR' ? [2, 1, 0] : [0, 1, 2];
  return { channels, order, low, scale, mean: each(input.mean), std: each(input.std) };
}

function fitImage(pixels: Tensor<'uint8'>, input: ImageInput): { seen: Tensor<'uint8'>; transform: GridTransform } {
  const [h, w] = pixels.shape;
  const [height, width] = input.size;
  const resized = resizedSize([h, w], input);
  const whole = resizeImage(pixels, resized, input.kernel, input);
  const offset: [number, number] = [placed(height, resized[0], input), placed(width, resized[1], input)];
  const transform: GridTransform = {
    source: [h, w],
    grid: [height, width],
    scale: [resized[0] / h, resized[1] / w],
    offset,
  };
  if (resized[0] === height && resized[1] === width) return { seen: whole, transform };

  const pad = typeof input.pad === 'object' ? input.pad : [input.pad ?? 0, input.pad ?? 0, input.pad ?? 0];
  const seen = new Uint8Array(height * width * 3);
  for (let i = 0; i < seen.length; i += 3) seen.set(pad, i);
  const from = Math.max(0, offset[1]);
  const to = Math.min(width, offset[1] + resized[1]);
  for (let y = Math.max(0, offset[0]); y < Math.min(height, offset[0] + resized[0]); y++) {
    const row = ((y - offset[0]) * resized[1] + from - offset[1]) * 3;
    seen.set(whole.data.subarray(row, row + (to - from) * 3), (y * width + from) * 3);
  }
  return { seen: tensor('uint8', [height, width, 3], seen), transform };
}

/** Size of the whole image before it is cut or padded. */
function resizedSize(
  [h, w]: readonly [number, number],
  { size: [height, width], resize, shorterSide, whole }: ImageInput,
): [number, number] {
  if (resize === 'stretch') return [height, width];
  const factors = [height / h, width / w];
  if (resize === 'crop') {
    if (whole) return [whole[0], whole[1]];
    const side = shorterSide ?? (height === width ? height : undefined);
    // The longer side in this order and rounded down, as torchvision and transformers do.
    if (side !== undefined) return h <= w ? [side, Math.floor((side * w) / h)] : [Math.floor((side * h) / w), side];
    const factor = maxOf(factors);
    return [Math.max(height, Math.round(h * factor)), Math.max(width, Math.round(w * factor))];
  }
  const factor = minOf(factors);
  // Rounded down, as detectors do; a very flat image keeps at least one row.
  return [Math.max(1, Math.floor(h * factor + 1e-9)), Math.max(1, Math.floor(w * factor + 1e-9))];
}

/** Where the resized image begins on the grid: positive with a margin, negative where it is cut. */
function placed(grid: number, resized: number, { resize, place, centre = 'even' }: ImageInput): number {
  if (resize === 'letterbox') return place === 'corner' ? 0 : Math.round((grid - resized) / 2);
  const cut = (resized - grid) / 2;
  const up = Math.floor(cut);
  if (centre === 'up') return 0 - up;
  // torchvision: a cut at round(cut), half to even; a margin of ⌊−cut⌋.
  if (cut < 0) return Math.floor(-cut);
  return 0 - (cut - up === 0.5 ? up + (up % 2) : cut);
}

/**
 * The image that a model's input stands for: the inverse of {@link preprocessImage} on the grid, H×W×3 RGB for each
 * of the batch. For display: values are rounded, and those outside 0–255 (a blurred or noisy input has none, a
 * perturbed one may) are cut off and counted in `clipped`.
 */
export function unprocessImage(t: Tensor, input: ImageInput): { pixels: Tensor<'uint8'>[]; clipped: number } {
  const shape = shapeOf(input);
  const full = t.shape.length === 3 ? [1, ...t.shape] : t.shape;
  if (full.length !== 4 || shape.slice(1).some((size, i) => size !== full[i + 1])) {
    throw new WhereforeError('wrong-shape', 'not an input of this preprocessing', {
      got: formatShape(t.shape),
      expected: `N×${formatShape(shape.slice(1))}`,
    });
  }
  const { channels, order, low, scale, mean, std } = unitsOf(input);
  const [height, width] = input.size;
  const area = height * width;
  const [pixelStep, channelStep] = input.layout === 'NCHW' ? [1, area] : [channels, 1];
  const values = toFloat32(t).data;
  let clipped = 0;
  const pixels = Array.from({ length: full[0] }, (_, image) => {
    const rgb = new Uint8Array(area * 3);
    for (let i = 0; i < area; i++) {
      for (let c = 0; c < 3; c++) {
        const channel = channels === 1 ? 0 : c;
        const value = values[image * area * channels + i * pixelStep + channel * channelStep];
        const pixel = Math.round((value * std[channel] + mean[channel] - low) / scale);
        const shown = Math.min(255, Math.max(0, pixel));
        if (shown !== pixel) clipped++;
        rgb[i * 3 + order[c]] = shown;
      }
    }
    return tensor('uint8', [height, width, 3], rgb);
  });
  return { pixels, clipped };
}

/** What a colour (RGB, 0–255) becomes in the model's units, one number per channel in the model's order: for baselines. */
export function colourInModelUnits([r, g, b]: Colour, input: ImageInput): number[] {
  const { channels, order, low, scale, mean, std } = unitsOf(input);
  const rgb = [r, g, b];
  return Array.from({ length: channels }, (_, c) => {
    const pixel = channels === 1 ? greyOf(rgb, 0) : rgb[order[c]];
    return (low + pixel * scale - mean[c]) / std[c];
  });
}
