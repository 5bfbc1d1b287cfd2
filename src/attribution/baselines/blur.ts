import * as z from 'zod/mini';
import { WhereforeError } from '../../errors.ts';
import { toFloat32 } from '../../tensor/convert.ts';
import { maxOf } from '../../tensor/extremes.ts';
import { filled } from '../../tensor/filled.ts';
import { float32, formatShape, sizeOf, type Tensor } from '../../tensor/tensor.ts';
import type { BaselineKind, InputLayout } from './kind.ts';
import { numberIn, numbersLike } from './numbers.ts';

/** The input blurred by a Gaussian of `sigma` pixels; its details are absent, its colours are not. */
export interface BlurBaseline {
  readonly kind: 'blur';
  readonly sigma: number;
}

export const blur = {
  stated: z.object({ sigma: z.union([z.number(), z.nan()]) }),
  document: z.object({ kind: z.literal('blur'), sigma: z.number() }),
  forms: [
    {
      text: 'blur:SIGMA',
      prefix: 'blur',
      read: (argument) => {
        const sigma = numberIn(argument);
        return () => ({ kind: 'blur', sigma });
      },
    },
  ],
  resolve: (at, { kind, sigma }) => [numbersLike(at, kind, blurred(at.input, sigma, at.layout))],
  describe: ({ sigma }) => `input blurred with sigma ${sigma}`,
  write: ({ sigma }) => `blur:${sigma}`,
} satisfies BaselineKind<BlurBaseline>;

/** An input blurred by a Gaussian along its axes of space. */
function blurred(input: Tensor, sigma: number, { spatialAxes }: InputLayout): Tensor<'float32'> {
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
  const kernel = filled(new Float64Array(2 * radius + 1), (i) => Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)));
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
