import type { Tensor } from '../../tensor/tensor.ts';
import { type OklabImage, oklabOf, withLongerSide } from './oklab.ts';
import { blur, type Level, pyramidOf } from './scale-space.ts';
import { describePoint, mirroredDescription, signatureOf, signatureWords } from './signature.ts';

/** Points of an image that are found again in a copy, whatever its size, and what lies around each. */
export interface Keypoints {
  readonly count: number;
  /** Centre and scale of each, in parts of the longer side: x, y, σ. */
  readonly places: Float32Array;
  /** 128 bits of each, see `signatureOf`. */
  readonly signatures: Uint32Array;
}

export interface KeypointOptions {
  /** Pixels of the longer side. */
  readonly side: number;
  /** Points at most, the strongest. */
  readonly most: number;
}

/** What images of an index are read with, and what a traced image is: it may hold the other one small. */
export const keypointsOf = { index: { side: 128, most: 120 }, query: { side: 224, most: 360 } } as const;

/** Strength below which a point is noise: the squared difference of Gaussians, in Oklab. */
const leastStrength = 8e-6;

/** Curvatures of a point differ at most by this factor; beyond it lies an edge, along which nothing is fixed. */
const mostElongated = 15;

interface Candidate {
  readonly x: number;
  readonly y: number;
  readonly level: Level;
  readonly strength: number;
}

/**
 * Keypoints of an image: maxima over place and scale of Σ_planes (difference of Gaussians)², which a change of hue leaves
 * nearly as it is. Source: Lowe 2004 (IJCV 60:91) for the scale space; contrast may turn round here.
 */
export function findKeypoints(pixels: Tensor<'uint8'>, options: KeypointOptions): Keypoints {
  return findPoints(pixels, options).own;
}

/** Keypoints of an image as it is, and as they lie in it from right to left: the same points, described once. */
export function findKeypointsBothWays(
  pixels: Tensor<'uint8'>,
  options: KeypointOptions,
): readonly [Keypoints, Keypoints] {
  const { own, descriptions, aspect } = findPoints(pixels, options);
  const places = own.places.slice();
  for (let i = 0; i < places.length; i += 3) places[i] = aspect - places[i];
  const signatures = new Uint32Array(own.signatures.length);
  for (const [i, description] of descriptions.entries())
    signatures.set(signatureOf(mirroredDescription(description)), signatureWords * i);
  return [own, { count: own.count, places, signatures }];
}

function findPoints(pixels: Tensor<'uint8'>, { side, most }: KeypointOptions) {
  const image: OklabImage = blur(oklabOf(withLongerSide(pixels, side)), 0.8);
  const longer = Math.max(image.height, image.width);
  const found: Candidate[] = [];
  for (const octave of pyramidOf(image)) {
    const strengths = octave.levels.map(({ strength }) => strength);
    for (let s = 1; s < octave.levels.length - 1; s++)
      collect(octave.levels[s], [strengths[s - 1], strengths[s], strengths[s + 1]], found);
  }
  found.sort((a, b) => b.strength - a.strength);
  const kept = found.slice(0, most);
  const places = new Float32Array(3 * kept.length);
  const signatures = new Uint32Array(signatureWords * kept.length);
  const descriptions = kept.map(({ x, y, level }) => describePoint(level, x, y));
  for (const [i, { x, y, level }] of kept.entries()) {
    const factor = level.step / longer;
    places.set([(x + 0.5) * factor, (y + 0.5) * factor, level.sigma * factor], 3 * i);
    signatures.set(signatureOf(descriptions[i]), signatureWords * i);
  }
  const own: Keypoints = { count: kept.length, places, signatures };
  return { own, descriptions, aspect: image.width / longer };
}

function collect(level: Level, [below, own, above]: readonly Float32Array[], found: Candidate[]): void {
  const { height, width } = level;
  for (let y = 2; y < height - 2; y++) {
    for (let x = 2; x < width - 2; x++) {
      const i = y * width + x;
      const strength = own[i];
      if (strength < leastStrength || !isLargest(own, i, width, strength, false)) continue;
      if (!isLargest(below, i, width, strength, true) || !isLargest(above, i, width, strength, true)) continue;
      if (isCorner(own, i, width)) found.push({ ...refined(own, x, y, width), level, strength });
    }
  }
}

function isLargest(values: Float32Array, i: number, width: number, value: number, withCentre: boolean): boolean {
  for (let dy = -width; dy <= width; dy += width)
    for (let dx = -1; dx <= 1; dx++) {
      const other = values[i + dy + dx];
      if ((dy !== 0 || dx !== 0 || withCentre) && other > value) return false;
    }
  return true;
}

/** Whether the values fall off in all directions, about as fast. */
function isCorner(values: Float32Array, i: number, width: number): boolean {
  const xx = values[i + 1] + values[i - 1] - 2 * values[i];
  const yy = values[i + width] + values[i - width] - 2 * values[i];
  const xy = (values[i + width + 1] - values[i + width - 1] - values[i - width + 1] + values[i - width - 1]) / 4;
  const [trace, determinant] = [xx + yy, xx * yy - xy * xy];
  return determinant > 0 && (trace * trace) / determinant < (mostElongated + 1) ** 2 / mostElongated;
}

/** The top of the parabolas through the point and its neighbours. */
function refined(values: Float32Array, x: number, y: number, width: number): { x: number; y: number } {
  const i = y * width + x;
  const offset = (before: number, after: number) => {
    const curvature = before + after - 2 * values[i];
    return curvature < 0 ? Math.max(-0.5, Math.min(0.5, (before - after) / (2 * curvature))) : 0;
  };
  return { x: x + offset(values[i - 1], values[i + 1]), y: y + offset(values[i - width], values[i + width]) };
}
