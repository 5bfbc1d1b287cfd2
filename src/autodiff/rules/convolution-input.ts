import { sizeOf } from '../../tensor/tensor.ts';
import type { RuleContext } from '../context.ts';
import { extents, isOnes, padTrailing, spatialAxes, type Windows } from './windows.ts';

/** A convolution from `[batch, group·width, …wide]` to `[batch, outputs, …narrow]`, whatever node computes it. */
export interface Convolution extends Windows {
  readonly batch: number;
  /** Channels of the wide side. */
  readonly channels: number;
  /** Channels of the narrow side. */
  readonly outputs: number;
  readonly group: number;
}

/** What decides which way of computing is fastest, besides the shapes. */
export interface KernelFacts {
  /** The weight never changes, so that the runtime transforms it once, when it loads the graph. */
  readonly isFixed: boolean;
}

/** Shape of the weight: `[outputs, channels/group, …kernel]`. */
export function weightShape({ outputs, channels, group, kernel }: Convolution): number[] {
  return [outputs, channels / group, ...kernel];
}

/**
 * The transpose of a convolution: from a gradient of its narrow side to that of its wide side.
 *
 * Stride 1: a fixed weight is flipped once, so that the gradient is again a plain convolution, for which runtimes have
 * their fastest kernels. A weight that changes from run to run has to be flipped every time, unless it is small beside
 * the values (41 against 33 ms for 64 × 32 channels of 32², batch 64), ConvTranspose takes it as it is. Grouped weights
 * are small, and ConvTranspose is slow on groups: those are flipped all the same.
 *
 * Strides: ConvTranspose, which measures 1 to 2.7 times faster than a convolution of s² phases with DepthToSpace
 * behind it, since that one multiplies by the zeros that fill up the kernel.
 */
export function transposedConvolution(
  context: RuleContext,
  gradient: string,
  weight: string,
  conv: Convolution,
  { isFixed }: KernelFacts,
): string {
  const flips = isFixed || conv.group > 1 || isCheapToFlip(conv);
  if (flips && isOnes(conv.strides) && fitsFlipped(conv)) return flippedConvolution(context, gradient, weight, conv);
  return convTranspose(context, gradient, weight, conv);
}

function convTranspose(context: RuleContext, gradient: string, weight: string, conv: Convolution): string {
  const { kernel, strides, dilations, begin, end, group } = conv;
  return context.op('ConvTranspose', [gradient, weight], {
    kernel_shape: kernel,
    strides,
    dilations,
    group,
    pads: [...begin, ...end.map((pad) => Math.max(0, pad))],
    // Elements that no window reached, behind the last one.
    output_padding: end.map((pad) => Math.max(0, -pad)),
  });
}

/** Flipping touches every element of the weight; what it saves grows with the windows that each element is used for. */
function isCheapToFlip({ batch, narrow, outputs }: Convolution): boolean {
  return batch * sizeOf(narrow) > 32 * outputs;
}

/** Padding of the flipped convolution: `extent − 1 − pad`; it cannot be negative. */
function fitsFlipped(conv: Convolution): boolean {
  return extents(conv).every((extent, i) => extent - 1 >= conv.begin[i] && extent - 1 >= conv.end[i]);
}

function flippedConvolution(context: RuleContext, gradient: string, weight: string, conv: Convolution): string {
  const { kernel, dilations, begin, end, group, outputs, channels } = conv;
  const axes = spatialAxes(kernel.length);
  const [perGroupOut, perGroupIn] = [outputs / group, channels / group];
  let flipped = weight;
  if (group > 1) {
    flipped = context.reshape(flipped, [group, perGroupOut, perGroupIn, ...kernel]);
    flipped = context.transpose(flipped, [0, 2, 1, ...axes.map((axis) => axis + 1)]);
    flipped = context.reshape(flipped, [channels, perGroupOut, ...kernel]);
  } else flipped = context.transpose(flipped, [1, 0, ...axes]);
  flipped = flip(context, flipped, kernel);
  const reach = extents(conv);
  return context.op('Conv', [gradient, flipped], {
    kernel_shape: kernel,
    dilations,
    group,
    pads: [...reach.map((extent, i) => extent - 1 - begin[i]), ...reach.map((extent, i) => extent - 1 - end[i])],
  });
}

/** Reverses the spatial axes of a weight. */
function flip(context: RuleContext, weight: string, kernel: readonly number[]): string {
  const axes = spatialAxes(kernel.length).filter((_, i) => kernel[i] > 1);
  if (axes.length === 0) return weight;
  const minusOne = context.ints(axes.map(() => -1));
  const beforeFirst = context.ints(axes.map((axis) => -kernel[axis - 2] - 1));
  return context.op('Slice', [weight, minusOne, beforeFirst, context.ints(axes), minusOne]);
}

/** A plain convolution, from the wide side to the narrow one. */
export function plainConvolution(context: RuleContext, value: string, weight: string, conv: Convolution): string {
  const { kernel, strides, dilations, begin, end, group } = conv;
  // Elements left over at the end make no further window while they are fewer than a stride.
  const surplus = end.map((pad, i) => (-pad < strides[i] ? 0 : pad));
  const cropped = padTrailing(
    context,
    value,
    2 + kernel.length,
    kernel.map(() => 0),
    surplus,
  );
  return context.op('Conv', [cropped, weight], {
    kernel_shape: kernel,
    strides,
    dilations,
    group,
    pads: [...begin, ...end.map((pad) => Math.max(0, pad))],
  });
}

/** Sum over everything but the channels: the gradient of a bias. */
export function biasGradient(context: RuleContext, gradient: string, rank: number): string {
  return context.reduceSum(gradient, [0, ...spatialAxes(rank)], false);
}
