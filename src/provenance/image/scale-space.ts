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
  const reach = Math.ceil(3 * sigma);
  const weights = new Float64Array(2 * reach + 1);
  let sum = 0;
  for (let k = -reach; k <= reach; k++) sum += weights[k + reach] = Math.exp((-k * k) / (2 * sigma * sigma));
  for (let k = 0; k < weights.length; k++) weights[k] /= sum;
  const across = new Float32Array(data.length);
  for (let line = 0; line < 3 * height; line++)
    along(data, across, { first: line * width, step: 1, length: width, weights, reach });
  const result = new Float32Array(data.length);
  for (let plane = 0; plane < 3; plane++)
    for (let x = 0; x < width; x++)
      along(across, result, { first: plane * height * width + x, step: width, length: height, weights, reach });
  return { height, width, data: result };
}

interface Line {
  readonly first: number;
  readonly step: number;
  readonly length: number;
  readonly weights: Float64Array;
  readonly reach: number;
}

function along(from: Float32Array, to: Float32Array, { first, step, length, weights, reach }: Line): void {
  const last = length - 1;
  for (let i = 0; i < length; i++) {
    let sum = 0;
    if (i >= reach && i + reach < length) {
      let at = first + (i - reach) * step;
      for (let k = 0; k < weights.length; k++, at += step) sum += weights[k] * from[at];
    } else {
      for (let k = -reach; k <= reach; k++) {
        const j = i + k < 0 ? 0 : i + k > last ? last : i + k;
        sum += weights[k + reach] * from[first + j * step];
      }
    }
    to[first + i * step] = sum;
  }
}
