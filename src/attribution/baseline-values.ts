import { WhereforeError } from '../errors.ts';
import { toFloat32 } from '../tensor/convert.ts';
import { maxOf } from '../tensor/extremes.ts';
import { random } from '../tensor/random.ts';
import { float32, formatShape, sizeOf, type Tensor } from '../tensor/tensor.ts';
import type { InputLayout } from './baseline.ts';

/** Normal noise with an input's mean and standard deviation; draw 0, 1, … of a seed are independent. */
export function noiseLike(input: Tensor, seed: number, draw: number): Tensor<'float32'> {
  const values = toFloat32(input).data;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  const source = random(seed, draw);
  return float32(
    input.shape,
    Float32Array.from(values, () => mean + deviation * source.normal()),
  );
}

/** The mean of an input, channel by channel where it has channels; missing values are left out of it. */
export function perGroupMean(input: Tensor, { channelAxis }: InputLayout): Tensor<'float32'> {
  const values = toFloat32(input).data;
  const result = new Float32Array(values.length);
  const channels = channelAxis === undefined ? 1 : input.shape[channelAxis];
  const inner = channelAxis === undefined ? 1 : sizeOf(input.shape.slice(channelAxis + 1));
  const channelOf = (i: number) => (channelAxis === undefined ? 0 : Math.floor(i / inner) % channels);
  const sums = new Float64Array(channels);
  const counts = new Float64Array(channels);
  values.forEach((value, i) => {
    if (Number.isNaN(value)) return;
    sums[channelOf(i)] += value;
    counts[channelOf(i)]++;
  });
  for (let i = 0; i < result.length; i++) result[i] = sums[channelOf(i)] / counts[channelOf(i)];
  return float32(input.shape, result);
}

/** An input blurred by a Gaussian along its axes of space. */
export function blurred(input: Tensor, sigma: number, { spatialAxes }: InputLayout): Tensor<'float32'> {
  if (!(sigma > 0))
    throw new WhereforeError('out-of-range', 'sigma of the blur', {
      got: String(sigma),
      expected: 'a positive number',
    });
  if (!spatialAxes?.length || spatialAxes.some((axis) => axis < 0 || axis >= input.shape.length)) {
    throw new WhereforeError('invalid-argument', 'a blur needs an input with axes of space', {
      got: formatShape(input.shape),
      fix: 'choose another baseline, or say which axes are rows and columns',
    });
  }
  const longest = maxOf(spatialAxes.map((axis) => input.shape[axis]));
  if (sigma > longest) {
    throw new WhereforeError('out-of-range', 'sigma of the blur', {
      got: String(sigma),
      expected: `at most ${longest}, the longest side of the input in pixels`,
      fix: 'choose a smaller one, or the baseline mean, which is what remains',
    });
  }
  const radius = Math.ceil(3 * sigma);
  const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)),
  );
  let values: Float64Array = Float64Array.from(toFloat32(input).data);
  for (const axis of spatialAxes) values = convolveAxis(values, input.shape, axis, kernel);
  return float32(input.shape, Float32Array.from(values));
}

/** Convolves along one axis; at the border the kernel is cut off and renormalised. */
function convolveAxis(
  values: Float64Array,
  shape: readonly number[],
  axis: number,
  kernel: Float64Array,
): Float64Array {
  const size = shape[axis];
  const inner = sizeOf(shape.slice(axis + 1));
  const radius = (kernel.length - 1) / 2;
  const result = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const position = Math.floor(i / inner) % size;
    let sum = 0;
    let weight = 0;
    for (let offset = Math.max(-radius, -position); offset <= Math.min(radius, size - 1 - position); offset++) {
      sum += kernel[offset + radius] * values[i + offset * inner];
      weight += kernel[offset + radius];
    }
    result[i] = sum / weight;
  }
  return result;
}
