import * as z from 'zod/mini';
import { toFloat32 } from '../../tensor/convert.ts';
import { float32, sizeOf, type Tensor } from '../../tensor/tensor.ts';
import type { BaselineKind, InputLayout } from './kind.ts';
import { numbersLike } from './numbers.ts';

/** The input's own mean, channel by channel where it is an image. */
export interface MeanBaseline {
  readonly kind: 'mean';
}

export const mean = {
  stated: z.object({}),
  document: z.object({ kind: z.literal('mean') }),
  forms: [{ text: 'mean', words: ['mean'], read: () => () => ({ kind: 'mean' }) }],
  resolve: (at, { kind }) => [numbersLike(at, kind, perGroupMean(at.input, at.layout))],
  describe: () => 'mean of the input',
  write: ({ kind }) => kind,
} satisfies BaselineKind<MeanBaseline>;

/** The mean of an input, channel by channel where it has channels; missing values are left out of it. */
function perGroupMean(input: Tensor, { channelAxis }: InputLayout): Tensor<'float32'> {
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
