import type { OklabImage } from './oklab.ts';

/** One scale of an image. */
export interface Level {
  readonly height: number;
  readonly width: number;
  /** Pixels of the whole image that a pixel here covers. */
  readonly step: number;
  /** Width of the Gaussian, in pixels here. */
  readonly sigma: number;
  /** The blurred planes. */
  readonly data: Float32Array;
  /** Σ over planes of the squared difference to the next scale. */
  readonly strength: Float32Array;
}

/** Levels of one size. */
export interface Octave {
  readonly levels: readonly Level[];
}

const firstSigma = 1.6;
const perOctave = 3;

/** Scales of an image, each octave half the size of the one before, down to 12 pixels. */
export function pyramidOf(image: OklabImage): Octave[] {
  const octaves: Octave[] = [];
  let base = blur(image, Math.sqrt(firstSigma ** 2 - 0.9 ** 2));
  for (let step = 1; Math.min(base.height, base.width) >= 12; step *= 2) {
    const images = [base];
    for (let s = 1; s < perOctave + 3; s++) {
      const [before, after] = [firstSigma * 2 ** ((s - 1) / perOctave), firstSigma * 2 ** (s / perOctave)];
      images.push(blur(images[s - 1], Math.sqrt(after ** 2 - before ** 2)));
    }
    const { height, width } = base;
    const levels = images.slice(0, -1).map(({ data }, s): Level => {
      const sigma = firstSigma * 2 ** (s / perOctave);
      return {
        height,
        width,
        step,
        sigma,
        data,
        strength: squaredDifference(data, images[s + 1].data, height * width),
      };
    });
    octaves.push({ levels });
    base = halved(images[perOctave]);
  }
  return octaves;
}

function squaredDifference(a: Float32Array, b: Float32Array, size: number): Float32Array {
  const sums = new Float32Array(size);
  for (let plane = 0; plane < 3; plane++) {
    for (let i = 0; i < size; i++) {
      const difference = a[plane * size + i] - b[plane * size + i];
      sums[i] += difference * difference;
    }
  }
  return sums;
}

/** Every second pixel. */
function halved({ height, width, data }: OklabImage): OklabImage {
  const [h, w] = [height >> 1, width >> 1];
  const half = new Float32Array(3 * h * w);
  for (let plane = 0; plane < 3; plane++)
    for (let y = 0; y < h; y++)
      for (let x = 0; x < w; x++) half[(plane * h + y) * w + x] = data[(plane * height + 2 * y) * width + 2 * x];
  return { height: h, width: w, data: half };
}

/** Convolves all planes with a Gaussian; beyond its ends an image goes on as its last pixel. */
export function blur({ height, width, data }: OklabImage, sigma: number): OklabImage {
  const weights = halfGaussian(sigma);
  const across = new Float32Array(data.length);
  for (let line = 0; line < 3 * height; line++) blurRow(data, across, line * width, width, weights);
  const result = new Float32Array(data.length);
  for (let plane = 0; plane < 3; plane++) blurColumns(across, result, plane * height * width, height, width, weights);
  return { height, width, data: result };
}

/** The middle of a Gaussian of sum 1 and its weights to one side, as far as three deviations. */
function halfGaussian(sigma: number): Float64Array {
  const weights = new Float64Array(Math.ceil(3 * sigma) + 1);
  let sum = 0;
  for (let k = 0; k < weights.length; k++) {
    weights[k] = Math.exp((-k * k) / (2 * sigma * sigma));
    sum += k === 0 ? weights[k] : 2 * weights[k];
  }
  for (let k = 0; k < weights.length; k++) weights[k] /= sum;
  return weights;
}

function blurRow(from: Float32Array, to: Float32Array, first: number, width: number, weights: Float64Array): void {
  const reach = weights.length - 1;
  const row = new Float64Array(width + 2 * reach);
  for (let i = 0; i < row.length; i++) row[i] = from[first + Math.max(0, Math.min(width - 1, i - reach))];
  for (let x = 0; x < width; x++) {
    const at = x + reach;
    let sum = weights[0] * row[at];
    for (let k = 1; k <= reach; k++) sum += weights[k] * (row[at - k] + row[at + k]);
    to[first + x] = sum;
  }
}

/** A row of sums at a time, as pixels above each other lie far apart in memory. */
function blurColumns(
  from: Float32Array,
  to: Float32Array,
  first: number,
  height: number,
  width: number,
  weights: Float64Array,
): void {
  const sums = new Float64Array(width);
  for (let y = 0; y < height; y++) {
    const own = first + y * width;
    for (let x = 0; x < width; x++) sums[x] = weights[0] * from[own + x];
    for (let k = 1; k < weights.length; k++) {
      const [above, below] = [first + Math.max(0, y - k) * width, first + Math.min(height - 1, y + k) * width];
      const weight = weights[k];
      for (let x = 0; x < width; x++) sums[x] += weight * (from[above + x] + from[below + x]);
    }
    for (let x = 0; x < width; x++) to[own + x] = sums[x];
  }
}
