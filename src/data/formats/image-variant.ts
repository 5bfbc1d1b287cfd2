import { WhereforeError } from '../../errors.ts';
import type { Random } from '../../tensor/random.ts';
import { formatShape, type Tensor, tensor } from '../../tensor/tensor.ts';

/** How an image was changed: a part of it, mirrored or not, brighter or darker. */
export interface ImageVariant {
  readonly mirrored: boolean;
  /** First row and column of the part, and its size, in pixels of the image. */
  readonly part: { readonly top: number; readonly left: number; readonly height: number; readonly width: number };
  /** Factor on the values 0–255. */
  readonly brightness: number;
}

/** Share of each side that a part keeps at least, and how much brighter or darker it gets at most. */
const leastSide = 0.75;
const mostBrightness = 0.25;

/** Draws a variant: mirrored half the time, 75 to 100 % of each side at a random place, brightness × 0.75 to 1.25. */
export function drawVariant([height, width]: readonly number[], source: Random): ImageVariant {
  const mirrored = source.uniform() < 0.5;
  const side = leastSide + (1 - leastSide) * source.uniform();
  const size = { height: Math.max(1, Math.round(side * height)), width: Math.max(1, Math.round(side * width)) };
  const top = source.integer(height - size.height + 1);
  const left = source.integer(width - size.width + 1);
  const brightness = Number((1 + mostBrightness * (2 * source.uniform() - 1)).toFixed(2));
  return { mirrored, part: { top, left, ...size }, brightness };
}

/**
 * The variant of an H×W×C image; values beyond 255 are cut off, as in an overexposed photograph.
 * @param geometry only the part and the mirroring, for masks that belong to the image
 * @throws WhereforeError `wrong-shape` for a part that does not lie in the image
 */
export function variantOf(
  pixels: Tensor<'uint8'>,
  { mirrored, part, brightness }: ImageVariant,
  { geometry = false }: { readonly geometry?: boolean } = {},
): Tensor<'uint8'> {
  const [rows, columns, channels] = pixels.shape;
  const { top, left, height, width } = part;
  if (top < 0 || left < 0 || top + height > rows || left + width > columns) {
    throw new WhereforeError('wrong-shape', 'the part does not lie in the image', {
      got: `rows ${top} to ${top + height}, columns ${left} to ${left + width}`,
      expected: formatShape(pixels.shape),
    });
  }
  const factor = geometry ? 1 : brightness;
  const made = new Uint8Array(height * width * channels);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = ((top + y) * columns + left + (mirrored ? width - 1 - x : x)) * channels;
      const to = (y * width + x) * channels;
      for (let c = 0; c < channels; c++) made[to + c] = Math.min(255, Math.round(pixels.data[from + c] * factor));
    }
  }
  return tensor('uint8', [height, width, channels], made);
}

/** `mirrored, rows 3–180 and columns 12–200, brightness × 0.92` */
export function describeVariant({ mirrored, part, brightness }: ImageVariant): string {
  const { top, left, height, width } = part;
  const place = `rows ${top}–${top + height - 1} and columns ${left}–${left + width - 1}`;
  return [...(mirrored ? ['mirrored'] : []), place, `brightness × ${brightness}`].join(', ');
}
