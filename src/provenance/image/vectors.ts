import { resizeImage } from '../../data/formats/resize.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { type OklabImage, oklabOf } from './oklab.ts';

/** Numbers of each part of an image's vector. */
export const vectorParts = { pixels: 192, gradients: 128, colours: 96, texture: 48 } as const;

export type VectorPart = keyof typeof vectorParts;

/** Where each part begins and ends. */
export const vectorRanges = ranges();

/** Numbers of a whole vector. */
export const vectorWidth = vectorRanges.texture[1];

function ranges(): Readonly<Record<VectorPart, readonly [number, number]>> {
  let at = 0;
  const found = Object.entries(vectorParts).map(([name, size]) => {
    at += size;
    return [name, [at - size, at]];
  });
  return Object.fromEntries(found);
}

const grid = 8;
const cells = 4;
const orientations = 8;

/**
 * What an image looks like as a whole, whatever its size:
 * - `pixels`: 8 × 8 means in Oklab, 64 of each plane;
 * - `gradients`: a histogram of 8 directions (contrast either way) in each of 4 × 4 cells, of length 1;
 * - `colours`: square roots of the shares of 96 colours, so that dot products are Bhattacharyya coefficients;
 * - `texture`: square roots of the shares of 16 directions × 3 scales of all gradients, wherever they are.
 * @param pixels height × width × 3
 */
export function imageVector(pixels: Tensor<'uint8'>): Float32Array {
  const vector = new Float32Array(vectorWidth);
  const part = (name: VectorPart) => {
    const [from, to] = vectorRanges[name];
    return vector.subarray(from, to);
  };
  part('pixels').set(oklabOf(resizeImage(pixels, [grid, grid], 'box')).data);
  const square = oklabOf(resizeImage(pixels, [64, 64], 'bilinear'));
  gradientCells(square, part('gradients'));
  colourShares(square, part('colours'));
  for (const [scale, side] of [64, 32, 16].entries()) {
    const image = side === 64 ? square : oklabOf(resizeImage(pixels, [side, side], 'bilinear'));
    directionShares(image, part('texture').subarray(scale * 16, (scale + 1) * 16));
  }
  rootOfShares(part('texture'));
  return vector;
}

/** Lengths of `gradients` before they are scaled to 1: noise on one colour has 2, light from one side 3 to 12, drawings and photographs 15 and more. */
const evenLength = 11;

/**
 * Whether an image shows nothing but a colour or slow changes of it. The directions of its gradients are then those of
 * noise, or shared with any other such image.
 * @param pixels height × width × 3
 */
export function isEven(pixels: Tensor<'uint8'>): boolean {
  const square = oklabOf(resizeImage(pixels, [64, 64], 'bilinear'));
  return gradientCells(square, new Float32Array(vectorParts.gradients)) < evenLength;
}

/** Calls `use` with the position, the direction (0 to 1 for half a turn) and the strength of the gradient of all planes. */
export function eachGradient(
  { height, width, data }: OklabImage,
  use: (y: number, x: number, direction: number, strength: number) => void,
): void {
  const size = height * width;
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      let [xx, yy, xy] = [0, 0, 0];
      for (let plane = 0; plane < 3; plane++) {
        const i = plane * size + y * width + x;
        const [dx, dy] = [data[i + 1] - data[i - 1], data[i + width] - data[i - width]];
        xx += dx * dx;
        yy += dy * dy;
        xy += dx * dy;
      }
      // The direction in which the planes together change most (Di Zenzo 1986).
      const spread = Math.sqrt((xx - yy) * (xx - yy) + 4 * xy * xy);
      const strength = Math.sqrt(Math.max(0, (xx + yy + spread) / 2));
      if (strength > 1e-4) use(y, x, 0.5 + Math.atan2(2 * xy, xx - yy) / (2 * Math.PI), strength);
    }
  }
}

/** @returns the length before it is scaled to 1 */
function gradientCells(image: OklabImage, to: Float32Array): number {
  const { height, width } = image;
  eachGradient(image, (y, x, direction, strength) => {
    const cell = Math.floor((y * cells) / height) * cells + Math.floor((x * cells) / width);
    const place = direction * orientations;
    const below = Math.floor(place);
    const share = place - below;
    to[cell * orientations + (below % orientations)] += strength * (1 - share);
    to[cell * orientations + ((below + 1) % orientations)] += strength * share;
  });
  return toLengthOne(to);
}

function directionShares(image: OklabImage, to: Float32Array): void {
  eachGradient(image, (_, __, direction, strength) => {
    const place = direction * 16;
    const below = Math.floor(place);
    to[below % 16] += strength * (1 - (place - below));
    to[(below + 1) % 16] += strength * (place - below);
  });
}

/** 6 steps of lightness × 4 × 4 of a and b. */
function colourShares({ height, width, data }: OklabImage, to: Float32Array): void {
  const size = height * width;
  const step = (value: number, low: number, high: number, steps: number) =>
    Math.min(steps - 1, Math.max(0, Math.floor(((value - low) / (high - low)) * steps)));
  for (let i = 0; i < size; i++) {
    const [l, a, b] = [data[i], data[size + i], data[2 * size + i]];
    to[(step(l, 0, 1, 6) * 4 + step(a, -0.24, 0.24, 4)) * 4 + step(b, -0.24, 0.24, 4)]++;
  }
  rootOfShares(to);
}

function rootOfShares(values: Float32Array): void {
  let sum = 0;
  for (const value of values) sum += value;
  if (sum > 0) for (let i = 0; i < values.length; i++) values[i] = Math.sqrt(values[i] / sum);
}

function toLengthOne(values: Float32Array): number {
  let squares = 0;
  for (const value of values) squares += value * value;
  const length = Math.sqrt(squares);
  if (length > 0) for (let i = 0; i < values.length; i++) values[i] /= length;
  return length;
}
