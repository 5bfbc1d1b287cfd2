import { sizeOf } from '../../tensor/tensor.ts';
import type { RuleContext } from '../context.ts';
import { type Convolution, weightShape } from './convolution-input.ts';
import { channelsInFront, padded, sliceOfTap, unfolded } from './unfold.ts';
import { isTiling, padTrailing, spatialAxes, tapsOf } from './windows.ts';

/** Above this many kernel positions, one convolution is cheaper than a matrix product for each of them. */
const mostTaps = 64;

/**
 * Gradient of the weight of a convolution: `∂W[o, c, t] = Σ_{n, q} narrow[n, o, q] · wide[n, c, q·stride + t·dilation − begin]`.
 *
 * @param wide value on the wide side: the input of a convolution (the output gradient of a transposed one)
 * @param narrow value on the narrow side: the output gradient of a convolution (the input of a transposed one)
 */
export function weightGradient(context: RuleContext, wide: string, narrow: string, conv: Convolution): string {
  if (conv.group === 1 && sizeOf(conv.kernel) > 1 && isTiling(conv)) return fromTiles(context, wide, narrow, conv);
  if (sizeOf(conv.kernel) > mostTaps) return bySwappedConvolution(context, wide, narrow, conv);
  if (conv.group === 1) {
    if (prefersColumns(conv)) return fromColumns(context, wide, narrow, conv);
    const isFloat32 = context.gradientType(context.output()) === 'float32';
    return isFloat32 && prefersSamples(conv)
      ? bySampleTaps(context, wide, narrow, conv)
      : byTaps(context, wide, narrow, conv);
  }
  const isDepthwise = conv.group === conv.channels && conv.group === conv.outputs;
  return isDepthwise ? byDepthwiseTaps(context, wide, narrow, conv) : byGroupedTaps(context, wide, narrow, conv);
}

/**
 * One product over copies of all taps, rather than one product a tap: where a tap's matrix would have few columns, and
 * where the weight is larger than the copies (putting the taps side by side then costs more than copying the input).
 * Measured: 15.5 to 6.6 ms (7×7, 3 channels of 224²), 8.0 to 5.6 ms (512 channels of 7²), 4.2 to 2.9 ms the other way
 * round (64 channels of 56²).
 */
function prefersColumns({ kernel, batch, channels, outputs, narrow }: Convolution): boolean {
  return sizeOf(kernel) > 1 && (channels <= 16 || batch * sizeOf(narrow) <= outputs);
}

/** Many windows a sample: a product per sample and a sum over them is as fast and spares transposing both sides. */
function prefersSamples({ batch, narrow }: Convolution): boolean {
  return batch > 1 && sizeOf(narrow) >= 512;
}

/** `[outputs, batch·windows] × [channels·taps, batch·windows]ᵀ`, whose result is the weight's gradient as it lies. */
function fromColumns(context: RuleContext, wide: string, narrow: string, conv: Convolution): string {
  const { kernel, batch, channels } = conv;
  const count = batch * sizeOf(conv.narrow);
  const source = channelsInFront(context, padded(context, wide, conv), conv);
  const columns = context.reshape(unfolded(context, source, [channels, batch], conv), [
    channels * sizeOf(kernel),
    count,
  ]);
  const product = context.op('Gemm', [outputsFirst(context, narrow, conv), columns], { transB: 1 });
  return context.reshape(product, weightShape(conv));
}

/** Products `[batch, outputs, windows] × [batch, channels, windows]ᵀ`, summed over the batch, one for every tap. */
function bySampleTaps(context: RuleContext, wide: string, narrow: string, conv: Convolution): string {
  const { kernel, batch, channels, outputs } = conv;
  const windows = sizeOf(conv.narrow);
  const gradient = context.reshape(narrow, [batch, outputs, windows]);
  const source = padded(context, wide, conv);
  const products = tapsOf(kernel).map((tap) => {
    const matrix = context.reshape(sliceOfTap(context, source, tap, conv), [batch, channels, windows]);
    const product = context.op('FusedMatMul', [gradient, matrix], { transB: 1 }, { domain: 'com.microsoft' });
    return context.reduceSum(product, [0], false);
  });
  return joinTaps(context, products, [outputs, channels], weightShape(conv));
}

/** Cuts the wide side into tiles of one window each (the patches of a vision transformer): one matrix product. */
function fromTiles(context: RuleContext, wide: string, narrow: string, conv: Convolution): string {
  const { kernel, end, batch, channels, narrow: windows } = conv;
  const rank = kernel.length;
  const cropped = padTrailing(
    context,
    wide,
    2 + rank,
    kernel.map(() => 0),
    end,
  );
  const tiles = context.reshape(cropped, [batch, channels, ...windows.flatMap((size, i) => [size, kernel[i]])]);
  const rows = spatialAxes(rank).map((_, i) => 2 + 2 * i);
  const taps = rows.map((axis) => axis + 1);
  const matrix = context.reshape(context.transpose(tiles, [0, ...rows, 1, ...taps]), [
    batch * sizeOf(windows),
    channels * sizeOf(kernel),
  ]);
  const product = context.op('Gemm', [outputsFirst(context, narrow, conv), matrix]);
  return context.reshape(product, weightShape(conv));
}

/** `[batch, c, …spatial]` as a matrix `[c, batch·spatial]`. */
function channelsFirst(context: RuleContext, value: string, shape: readonly number[]): string {
  const [batch, channels, ...sizes] = shape;
  const swapped = batch === 1 ? value : context.transpose(value, [1, 0, ...spatialAxes(sizes.length)]);
  return context.reshape(swapped, [channels, batch * sizeOf(sizes)]);
}

function outputsFirst(context: RuleContext, narrow: string, conv: Convolution): string {
  return channelsFirst(context, narrow, [conv.batch, conv.outputs, ...conv.narrow]);
}

/** One matrix product `[outputs, batch·windows] × [batch·windows, channels]` for every position of the kernel. */
function byTaps(context: RuleContext, wide: string, narrow: string, conv: Convolution): string {
  const { kernel, batch, channels, outputs } = conv;
  const gradient = outputsFirst(context, narrow, conv);
  const source = channelsInFront(context, padded(context, wide, conv), conv);
  const products = tapsOf(kernel).map((tap) => {
    const matrix = context.reshape(sliceOfTap(context, source, tap, conv), [channels, batch * sizeOf(conv.narrow)]);
    return context.op('Gemm', [gradient, matrix], { transB: 1 });
  });
  return joinTaps(context, products, [outputs, channels], weightShape(conv));
}

/** One channel each: a product of matrices with one row would cost more than the sum of elementwise products. */
function byDepthwiseTaps(context: RuleContext, wide: string, narrow: string, conv: Convolution): string {
  const source = padded(context, wide, conv);
  const sums = tapsOf(conv.kernel).map((tap) => {
    const product = context.mul(narrow, sliceOfTap(context, source, tap, conv));
    return context.reduceSum(product, [0, ...spatialAxes(tap.length)], false);
  });
  return joinTaps(context, sums, [conv.outputs, 1], weightShape(conv));
}

/** The same for every group: products `[batch, group, outputs, windows] × [batch, group, windows, channels]`. */
function byGroupedTaps(context: RuleContext, wide: string, narrow: string, conv: Convolution): string {
  const { kernel, batch, channels, outputs, group } = conv;
  const windows = sizeOf(conv.narrow);
  const [perGroupOut, perGroupIn] = [outputs / group, channels / group];
  const gradient = context.reshape(narrow, [batch, group, perGroupOut, windows]);
  const source = padded(context, wide, conv);
  const products = tapsOf(kernel).map((tap) => {
    const slice = sliceOfTap(context, source, tap, conv);
    const matrix = context.transpose(context.reshape(slice, [batch, group, perGroupIn, windows]), [0, 1, 3, 2]);
    const product = context.op('MatMul', [gradient, matrix]);
    return batch === 1 ? product : context.reduceSum(product, [0], false);
  });
  return joinTaps(context, products, [outputs, perGroupIn], weightShape(conv));
}

function joinTaps(
  context: RuleContext,
  products: readonly string[],
  matrix: readonly number[],
  shape: readonly number[],
): string {
  if (products.length === 1) return context.reshape(products[0], shape);
  const columns = products.map((product) => context.reshape(product, [...matrix, 1]));
  return context.reshape(context.op('Concat', columns, { axis: matrix.length }), shape);
}

/**
 * The whole gradient as one convolution: batch takes the place of the channels, the narrow value that of the kernel,
 * strides and dilations change places.
 */
function bySwappedConvolution(context: RuleContext, wide: string, narrow: string, conv: Convolution): string {
  const { kernel, strides, dilations, begin, end, batch, channels, group } = conv;
  const rank = kernel.length;
  const axes = spatialAxes(rank);
  const perGroup = channels / group;
  // Where the last window leaves elements over, they are cut off: the result must have exactly the kernel's size.
  const sizes = conv.wide.map((size, i) => size + Math.min(0, end[i]));
  let source = padTrailing(
    context,
    wide,
    2 + rank,
    kernel.map(() => 0),
    end.map((pad) => Math.min(0, pad)),
  );
  source = context.reshape(source, [batch, group, perGroup, ...sizes]);
  source = context.transpose(source, [2, 1, 0, ...axes.map((axis) => axis + 1)]);
  source = context.reshape(source, [perGroup, group * batch, ...sizes]);
  const swapped = context.op('Conv', [source, context.transpose(narrow, [1, 0, ...axes])], {
    kernel_shape: conv.narrow,
    strides: dilations,
    dilations: strides,
    group,
    pads: [...begin, ...end.map((pad) => Math.max(0, pad))],
  });
  return context.transpose(swapped, [1, 0, ...axes]);
}
