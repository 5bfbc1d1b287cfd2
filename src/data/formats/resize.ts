import { WhereforeError } from '../../errors.ts';
import { filled } from '../../tensor/filled.ts';
import { formatShape, type Tensor, tensor } from '../../tensor/tensor.ts';

/** A resize filter: the weight of a pixel at a distance from the centre, and how far it reaches, in output pixels. */
interface Filter {
  readonly reach: number;
  weight(distance: number): number;
}

const triangle: Filter = { reach: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) };
/** Keys' cubic convolution with a = −½. */
const cubic: Filter = {
  reach: 2,
  weight: (distance) => {
    const x = Math.abs(distance);
    if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
  },
};
const windowedSinc = (reach: number): Filter => ({
  reach,
  weight: (x) => (x >= -reach && x < reach ? sinc(x) * sinc(x / reach) : 0),
});
const lanczos3 = windowedSinc(3);

const filters = {
  nearest: undefined,
  box: { reach: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: triangle,
  hamming: {
    reach: 1,
    // Pillow holds these two constants in single precision.
    weight: (x) =>
      Math.abs(x) < 1 ? sinc(x) * (Math.fround(0.54) + Math.fround(0.46) * (1 - 2 * sinPi(x / 2) ** 2)) : 0,
  },
  bicubic: cubic,
  lanczos: lanczos3,
  // Names of Wherefore 0.1, and two filters that Pillow lacks.
  linear: triangle,
  cubic,
  lanczos3,
  lanczos2: windowedSinc(2),
  mitchell: {
    reach: 2,
    weight: (distance) => {
      const x = Math.abs(distance);
      if (x < 1) return (7 * x ** 3 - 12 * x ** 2 + 16 / 3) / 6;
      return x < 2 ? ((-7 / 3) * x ** 3 + 12 * x ** 2 - 20 * x + 32 / 3) / 6 : 0;
    },
  },
} as const satisfies Readonly<Record<string, Filter | undefined>>;

export type Kernel = keyof typeof filters;
/** Resize filters by name. */
export const kernels = Object.keys(filters) as [Kernel, ...Kernel[]];

/** Pixels of an image that is read or made: more than a phone's 50 million, in some 500 MiB. */
export const mostPixels = 64_000_000;

/**
 * Resizes H×W×C bytes to exactly `height` × `width`, whatever the proportions, to the bit as Pillow's `Image.resize`:
 * first along the rows, then along the columns, weights as 22-bit integers, each pass rounded and clipped to 0–255.
 * @param options.antialias Shrinking averages over all pixels covered, as Pillow always does. Default true; false takes
 *   the neighbours of each centre alone, as OpenCV and `torch.nn.functional.interpolate` do unless told otherwise (up to
 *   one level apart from these, which do not round between the passes).
 * @throws WhereforeError `wrong-shape` for what is no image, `out-of-range` beyond {@link mostPixels}.
 */
export function resizeImage(
  pixels: Tensor<'uint8'>,
  [height, width]: readonly [number, number],
  kernel: Kernel,
  { antialias = true }: { readonly antialias?: boolean } = {},
): Tensor<'uint8'> {
  const [h, w, channels] = pixels.shape;
  if (pixels.shape.length !== 3 || pixels.data.length === 0 || !(height >= 1 && width >= 1)) {
    throw new WhereforeError('wrong-shape', 'not an image that can be resized', {
      got: `${formatShape(pixels.shape)} to ${formatShape([height, width])}`,
      expected: 'height×width×channels, at least one pixel',
    });
  }
  if (h === height && w === width) return pixels;
  // Between the two passes the image is as high as before and as wide as afterwards.
  if (!(Math.max(h, height) * width <= mostPixels)) {
    throw new WhereforeError('out-of-range', 'the resized image is too large', {
      got: `${h}×${w} to ${height}×${width} pixels`,
      expected: `at most ${mostPixels / 1e6} million`,
      fix: 'check the size that the model is said to take (size, shorterSide, whole)',
    });
  }
  const filter: Filter | undefined = filters[kernel];
  const shape = [height, width, channels];
  if (!filter) return tensor('uint8', shape, nearestPixels(pixels, height, width));
  const table = (from: number, to: number) => tapsOf(filter, from, to, antialias);
  const rows = w === width ? pixels.data : alongRows(pixels.data, w, channels, table(w, width));
  return tensor('uint8', shape, h === height ? rows : alongColumns(rows, width * channels, table(h, height)));
}

/** The weights of each output pixel, one output pixel after the other, and where they begin in the source. */
interface Taps {
  readonly first: Int32Array;
  /** Where the weights of output pixel i begin in `weights`; one entry more than there are output pixels. */
  readonly at: Int32Array;
  readonly weights: Int32Array;
}

/** Weights are integers of 22 bits after the point, so that a weighted sum of bytes fits 32 bits. */
const bits = 22;

function tapsOf({ reach, weight }: Filter, from: number, to: number, antialias: boolean): Taps {
  const scale = from / to;
  const spread = antialias ? Math.max(1, scale) : 1;
  const support = reach * spread;
  const first = new Int32Array(to);
  const at = new Int32Array(to + 1);
  const weights: number[] = [];
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * scale;
    const low = Math.max(0, Math.trunc(centre - support + 0.5));
    const high = Math.min(from, Math.trunc(centre + support + 0.5));
    const own: number[] = [];
    let total = 0;
    for (let j = low; j < high; j++) {
      own.push(weight((j - centre + 0.5) * (1 / spread)));
      total += own[own.length - 1];
    }
    for (const value of own)
      weights.push(Math.trunc((total ? value / total : value) * 2 ** bits + (value < 0 ? -0.5 : 0.5)));
    first[i] = low;
    at[i + 1] = weights.length;
  }
  return { first, at, weights: Int32Array.from(weights) };
}

function alongRows(source: Uint8Array, width: number, channels: number, { first, at, weights }: Taps): Uint8Array {
  const to = first.length;
  const lines = source.length / (width * channels);
  const result = new Uint8Array(lines * to * channels);
  for (let line = 0, out = 0; line < lines; line++) {
    for (let i = 0; i < to; i++) {
      for (let c = 0; c < channels; c++) {
        let place = (line * width + first[i]) * channels + c;
        let sum = 1 << (bits - 1);
        for (let k = at[i]; k < at[i + 1]; k++, place += channels) sum += Math.imul(weights[k], source[place]);
        result[out++] = clipped(sum);
      }
    }
  }
  return result;
}

/** Whole lines are added up at a time, which reads the source in order. */
function alongColumns(source: Uint8Array, line: number, { first, at, weights }: Taps): Uint8Array {
  const to = first.length;
  const result = new Uint8Array(to * line);
  const sums = new Int32Array(line);
  for (let i = 0; i < to; i++) {
    sums.fill(1 << (bits - 1));
    for (let k = at[i]; k < at[i + 1]; k++) {
      const start = (first[i] + k - at[i]) * line;
      for (let x = 0; x < line; x++) sums[x] += Math.imul(weights[k], source[start + x]);
    }
    for (let x = 0; x < line; x++) result[i * line + x] = clipped(sums[x]);
  }
  return result;
}

function clipped(sum: number): number {
  const value = sum >> bits;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

function nearestPixels({ data, shape: [h, w, channels] }: Tensor<'uint8'>, height: number, width: number): Uint8Array {
  const rows = nearestPositions(h, height);
  const columns = nearestPositions(w, width);
  const result = new Uint8Array(height * width * channels);
  let out = 0;
  for (const y of rows) {
    for (const x of columns) {
      for (let c = 0; c < channels; c++) result[out++] = data[(y * w + x) * channels + c];
    }
  }
  return result;
}

/** Pillow adds the step up instead of multiplying it, and its rounding decides at ties. */
function nearestPositions(from: number, to: number): Int32Array {
  const step = from / to;
  let place = step * 0.5;
  return filled(new Int32Array(to), () => {
    const found = Math.min(from - 1, Math.trunc(place));
    place += step;
    return found;
  });
}

/** sin(πx) / (πx) */
function sinc(x: number): number {
  return x === 0 ? 1 : sinPi(x) / (Math.PI * x);
}

/**
 * sin(πx) by its Taylor series about the nearest whole x, to the last bits of a double. `Math.sin` may differ from
 * engine to engine, and with it a weight.
 */
function sinPi(x: number): number {
  const whole = Math.round(x);
  const angle = Math.PI * (x - whole);
  const square = angle * angle;
  let sum = 0;
  for (let n = 23; n > 1; n -= 2) sum = (-square / (n * (n - 1))) * (1 + sum);
  return (whole % 2 === 0 ? 1 : -1) * angle * (1 + sum);
}
