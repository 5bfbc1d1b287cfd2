import { sizeOf } from '../../tensor/tensor.ts';
import type { RuleContext } from '../context.ts';
import type { Convolution } from './convolution-input.ts';
import { padTrailing, spatialAxes, tapsOf, type Windows } from './windows.ts';

/** A value of the wide side with batch and channels exchanged: once here, so that the slices of the taps need not be. */
export function channelsInFront(context: RuleContext, value: string, { batch, kernel }: Convolution): string {
  return batch === 1 ? value : context.transpose(value, [1, 0, ...spatialAxes(kernel.length)]);
}

/** The wide value with its padding, so that every tap is a plain slice. */
export function padded(context: RuleContext, wide: string, { kernel, begin, end }: Convolution): string {
  const behind = end.map((pad) => Math.max(0, pad));
  return padTrailing(context, wide, 2 + kernel.length, begin, behind);
}

/** What tap `tap` of every window reads: a strided slice of the padded wide value. */
export function sliceOfTap(context: RuleContext, value: string, tap: readonly number[], conv: Windows): string {
  const { strides, dilations, narrow, begin, end, wide } = conv;
  const start = tap.map((position, i) => position * dilations[i]);
  const stop = start.map((position, i) => position + (narrow[i] - 1) * strides[i] + 1);
  const whole = start.every(
    (position, i) => position === 0 && strides[i] === 1 && stop[i] === wide[i] + begin[i] + Math.max(0, end[i]),
  );
  if (whole) return value;
  return context.op('Slice', [
    value,
    context.ints(start),
    context.ints(stop),
    context.ints(spatialAxes(tap.length)),
    context.ints(strides),
  ]);
}

/** The windows along some of the axes. */
export function alongAxes(windows: Windows, from: number, to?: number): Windows {
  const { kernel, strides, dilations, begin, end, wide, narrow } = windows;
  const [k, s, d, b, e, w, n] = [kernel, strides, dilations, begin, end, wide, narrow].map((of) => of.slice(from, to));
  return { kernel: k, strides: s, dilations: d, begin: b, end: e, wide: w, narrow: n };
}

/** Numbers of the padded wide side along each axis. */
export const paddedSizes = ({ wide, begin, end }: Windows): number[] =>
  wide.map((size, i) => size + begin[i] + Math.max(0, end[i]));

/**
 * Windows with the taps side by side: of a padded value `[before, between, …spatial]` what every tap reads,
 * `[before, taps, between · windows]`. The first spatial axis is unfolded last: its slices are long stretches, which are
 * copied 20 times as fast as rows of a small image.
 */
export function unfolded(
  context: RuleContext,
  value: string,
  [before, between]: readonly [number, number],
  windows: Windows,
): string {
  const [outer, inner] = [alongAxes(windows, 0, 1), alongAxes(windows, 1)];
  const [lines] = paddedSizes(outer);
  const [taps, count] = [sizeOf(inner.kernel), sizeOf(inner.narrow)];
  const source = context.reshape(value, [before, between * lines, ...paddedSizes(inner)]);
  const along = tapsBeside(context, source, inner, [before, 1, between * lines * count]);
  const stretches = context.reshape(along, [before * taps, between, lines, count]);
  return tapsBeside(context, stretches, outer, [before, 1, taps * between * sizeOf(windows.narrow)]);
}

/** What every tap reads, in this shape, beside each other along axis 1. */
function tapsBeside(context: RuleContext, value: string, windows: Windows, shape: readonly number[]): string {
  const slices = tapsOf(windows.kernel).map((tap) => context.reshape(sliceOfTap(context, value, tap, windows), shape));
  return slices.length === 1 ? slices[0] : context.op('Concat', slices, { axis: 1 });
}
