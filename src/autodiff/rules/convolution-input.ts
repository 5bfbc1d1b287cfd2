import type { RuleContext } from '../context.ts';
import { extents, isOnes, isZeros, padTrailing, spatialAxes, type Windows } from './windows.ts';

/** A convolution from `[batch, group·width, …wide]` to `[batch, outputs, …narrow]`, whatever node computes it. */
export interface Convolution extends Windows {
  readonly batch: number;
  /** Channels of the wide side. */
  readonly channels: number;
  /** Channels of the narrow side. */
  readonly outputs: number;
  readonly group: number;
}

/** What decides which way of computing is fastest. */
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
 * A fixed weight is flipped or rearranged once, so that the gradient is again a plain convolution, for which runtimes
 * have their fastest kernels (stride 1: with the flipped kernel; stride s: one sub-pixel convolution and DepthToSpace).
 * A weight that changes from run to run would have to be rearranged every time: ConvTranspose takes it as it is. Grouped
 * weights are small, and ConvTranspose is slow on groups: those are flipped all the same.
 */
export function transposedConvolution(
  context: RuleContext,
  gradient: string,
  weight: string,
  conv: Convolution,
  { isFixed }: KernelFacts,
): string {
  const flips = isFixed || conv.group > 1;
  if (flips && isOnes(conv.strides) && fitsFlipped(conv)) return flippedConvolution(context, gradient, weight, conv);
  if (isFixed && isSubPixel(conv)) return subPixelConvolution(context, gradient, weight, conv);
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

/** Phases per axis of the sub-pixel form, and how many blocks of them cover the padded wide side. */
function blocks({ kernel, strides, begin, wide }: Convolution) {
  const taps = kernel.map((size, i) => Math.ceil(size / strides[i]));
  const count = wide.map((size, i) => Math.ceil((begin[i] + size) / strides[i]));
  return { taps, count };
}

function isSubPixel(conv: Convolution): boolean {
  const { strides, dilations, group, narrow } = conv;
  const square = strides.length === 2 && strides[0] === strides[1] && strides[0] > 1;
  return square && group === 1 && isOnes(dilations) && blocks(conv).count.every((count, i) => count >= narrow[i]);
}

/**
 * Position `q·s + r` of the padded wide side collects the taps `m·s + r` of the windows `q − m`: for every phase r one
 * convolution of the gradient with a kernel of ⌈k/s⌉ taps. All s² phases are channels of one convolution.
 */
function subPixelConvolution(context: RuleContext, gradient: string, weight: string, conv: Convolution): string {
  const { kernel, strides, begin, wide, narrow, batch, channels, outputs } = conv;
  const [stride] = strides;
  const { taps, count } = blocks(conv);
  if (isOnes(kernel) && isZeros(begin)) {
    // One tap: only phase 0 is not zero.
    const mixed = context.op('Conv', [gradient, context.transpose(weight, [1, 0, 2, 3])], { kernel_shape: kernel });
    const spread = spreadPhases(context, mixed, [batch, channels, ...narrow], stride);
    return padTrailing(
      context,
      spread,
      4,
      [0, 0],
      wide.map((size, i) => size - narrow[i] * stride),
    );
  }
  let phases = padTrailing(
    context,
    weight,
    4,
    [0, 0],
    taps.map((tap, i) => tap * stride - kernel[i]),
  );
  phases = context.reshape(phases, [outputs, channels, taps[0], stride, taps[1], stride]);
  phases = context.transpose(phases, [1, 3, 5, 0, 2, 4]);
  phases = flip(context, context.reshape(phases, [channels * stride * stride, outputs, ...taps]), taps);
  const mixed = context.op('Conv', [gradient, phases], {
    kernel_shape: taps,
    pads: [...taps.map((tap) => tap - 1), ...count.map((size, i) => size - narrow[i])],
  });
  const padded = context.op('DepthToSpace', [mixed], { blocksize: stride, mode: 'CRD' });
  if (isZeros(begin) && wide.every((size, i) => size === count[i] * stride)) return padded;
  return context.op('Slice', [
    padded,
    context.ints(begin),
    context.ints(wide.map((size, i) => begin[i] + size)),
    context.ints([2, 3]),
  ]);
}

/** Puts `stride − 1` zeros behind every element of the spatial axes. */
function spreadPhases(context: RuleContext, value: string, shape: readonly number[], stride: number): string {
  const [batch, channels, ...sizes] = shape;
  const split = context.reshape(value, [batch, channels, ...sizes.flatMap((size) => [size, 1])]);
  const zeros = new Array<number>(2 + 2 * sizes.length).fill(0);
  const behind = [0, 0, ...sizes.flatMap(() => [0, stride - 1])];
  const padded = context.op('Pad', [split, context.ints([...zeros, ...behind])]);
  return context.reshape(padded, [batch, channels, ...sizes.map((size) => size * stride)]);
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
