import { intAttribute, stringAttribute } from '../../onnx/graph.ts';
import { codeOfDataType } from '../../onnx/types.ts';
import { fromNumbers } from '../../tensor/convert.ts';
import { lookup } from '../../tensor/lookup.ts';
import { int64, sizeOf } from '../../tensor/tensor.ts';
import type { RuleContext, VjpRule } from '../context.ts';
import { kinked, type RuleTable, smooth } from './entry.ts';

/**
 * A kernel of interpolation along one axis. The sample at `low + t` (low = ⌊·⌋) is Σ_k w_k(t)·x[low + offset_k], where
 * w_k is a polynomial in t: its coefficients, from the constant one up.
 */
interface Kernel {
  readonly offsets: readonly number[];
  readonly polynomials: readonly (readonly number[])[];
}

/** Keys' cubic convolution with a = −0.75. */
const a = -0.75;
const kernels: Readonly<Record<string, Kernel>> = {
  nearest: { offsets: [0], polynomials: [[1]] },
  linear: {
    offsets: [0, 1],
    polynomials: [
      [1, -1],
      [0, 1],
    ],
  },
  cubic: {
    offsets: [-1, 0, 1, 2],
    polynomials: [
      [0, a, -2 * a, a],
      [1, 0, -(a + 3), a + 2],
      [0, -a, 2 * a + 3, -(a + 2)],
      [0, 0, a, -a],
    ],
  },
};
const kernelNames: Readonly<Record<string, string>> = { bilinear: 'linear', bicubic: 'cubic' };

const derivative = (polynomial: readonly number[]) =>
  polynomial.length === 1 ? [0] : polynomial.slice(1).map((coefficient, i) => coefficient * (i + 1));

/** What stands beyond the borders. */
interface Padding {
  readonly mode: string;
  readonly alignCorners: boolean;
}

/** What an axis contributes: positions, weights and their slopes, `[batch, 1, taps, samples]` (the sizes may be 1
 * where nothing varies). */
interface AxisTaps {
  /** int64, inside the axis. */
  readonly index: string;
  readonly weight: string;
  readonly slope: string | undefined;
}

/** Values of the polynomials at `t` by Horner's rule; one per tap. */
function evaluate(context: RuleContext, polynomials: readonly (readonly number[])[], t: string, like: string): string {
  const column = (power: number) => {
    const values = polynomials.map((polynomial) => polynomial[power]);
    return context.constantTensor(fromNumbers(context.type(like), [1, 1, values.length, 1], values));
  };
  const degree = polynomials[0].length - 1;
  let value = column(degree);
  for (let power = degree - 1; power >= 0; power--) value = context.add(context.mul(value, t), column(power));
  return value;
}

/** Positions beyond the borders brought back: reflected as often as it takes. */
function reflect(context: RuleContext, position: string, size: number, alignCorners: boolean, like: string): string {
  const [low, span] = alignCorners ? [0, size - 1] : [-0.5, size];
  const constant = (value: number) => context.scalar(value, like);
  if (span === 0) return context.mul(position, constant(0));
  const distance = context.op('Abs', [context.sub(position, constant(low))]);
  const flips = context.op('Floor', [context.div(distance, constant(span))]);
  const extra = context.sub(distance, context.mul(flips, constant(span)));
  const isOdd = context.sub(flips, context.mul(constant(2), context.op('Floor', [context.div(flips, constant(2))])));
  const turned = context.sub(constant(span), context.mul(constant(2), extra));
  return context.add(constant(low), context.add(extra, context.mul(isOdd, turned)));
}

/** The taps of one axis: where they lie, how much they weigh, and how the weights change along the axis. */
function tapsOf(context: RuleContext, coordinate: string, size: number, kernel: Kernel, padding: Padding): AxisTaps {
  const grid = context.input(1);
  const constant = (value: number) => context.scalar(value, grid);
  const taps = kernel.offsets.length;
  const isNearest = taps === 1;
  const low = context.op(isNearest ? 'Round' : 'Floor', [coordinate]);
  const offsets = context.constantTensor(fromNumbers(context.type(grid), [1, 1, taps, 1], kernel.offsets));
  let position = isNearest ? low : context.add(low, offsets);
  const t = isNearest ? low : context.sub(coordinate, low);
  let weight = evaluate(context, kernel.polynomials, t, grid);
  let slope = isNearest ? undefined : evaluate(context, kernel.polynomials.map(derivative), t, grid);
  if (padding.mode === 'zeros') {
    const isInside = context.op('And', [
      context.op('GreaterOrEqual', [position, constant(0)]),
      context.op('LessOrEqual', [position, constant(size - 1)]),
    ]);
    const mask = context.indicator(isInside, grid);
    weight = context.mul(weight, mask);
    slope = slope && context.mul(slope, mask);
  } else if (padding.mode === 'reflection') position = reflect(context, position, size, padding.alignCorners, grid);
  const clipped = context.op('Clip', [position, constant(0), constant(size - 1)]);
  return { index: context.op('Cast', [clipped], { to: codeOfDataType.int64 }), weight, slope };
}

/**
 * The gradient of a sampler: to the image by adding every sample's gradient, weighted, to the elements that it read;
 * to the grid by the slopes of the weights. Padding acts on every element read, which gives the same samples as
 * padding the coordinates and needs no derivative of its own.
 */
const gridSample: VjpRule = (context, [g]) => {
  if (!g) return [];
  const [x, grid] = [context.input(0), context.input(1)];
  const [batch, channels, ...sizes] = context.inputShape(0);
  const samples = context.outputShape().slice(2);
  const count = sizeOf(samples);
  const rank = sizes.length;
  const mode = stringAttribute(context.node, 'mode', 'linear');
  const kernel = lookup(kernels, lookup(kernelNames, mode) ?? mode);
  if (!kernel) throw context.refuse(`its mode is "${mode}"`, 'export the model with linear, nearest or cubic');
  const alignCorners = intAttribute(context.node, 'align_corners', 0) === 1;
  const padding: Padding = { mode: stringAttribute(context.node, 'padding_mode', 'zeros'), alignCorners };
  const taps = kernel.offsets.length;
  // −1 and 1 are the centres of the corner elements (align_corners) or their outer edges.
  const factor = (size: number) => (alignCorners ? size - 1 : size) / 2;

  const axes = sizes.map((size, axis) => {
    // The grid's last component belongs to the first spatial axis.
    const component = context.op('Gather', [grid, context.ints([rank - 1 - axis])], { axis: rank + 1 });
    const normalised = context.reshape(component, [batch, 1, 1, count]);
    const scaled = context.mul(normalised, context.scalar(factor(size), grid));
    return tapsOf(context, context.add(scaled, context.scalar((size - 1) / 2, grid)), size, kernel, padding);
  });

  // All combinations of taps: axis i varies along a dimension of its own, [batch, 1, …taps, samples].
  const combinations = taps ** rank;
  const along = (value: string, axis: number) => {
    const full = context.expand(value, [batch, 1, taps, count]);
    return context.reshape(full, [batch, 1, ...sizes.map((_, i) => (i === axis ? taps : 1)), count]);
  };
  const product = (values: readonly string[]) => {
    const full = values.map(along).reduce((left, right) => context.mul(left, right));
    return context.reshape(full, [batch, 1, combinations, count]);
  };
  const stride = (axis: number) => context.constantTensor(int64([], [sizeOf(sizes.slice(axis + 1))]));
  const index = axes
    .map((entry, axis) => context.mul(along(entry.index, axis), stride(axis)))
    .reduce((left, right) => context.add(left, right));
  const flat = [batch, channels, combinations * count];
  const spread = context.expand(context.reshape(index, [batch, 1, combinations * count]), flat);
  const gradient = context.reshape(g, [batch, channels, 1, count]);

  let toImage: string | undefined;
  if (context.needs(0)) {
    const updates = context.reshape(context.mul(gradient, product(axes.map(({ weight }) => weight))), flat);
    const zeros = context.zeros([batch, channels, sizeOf(sizes)], x);
    const added = context.op('ScatterElements', [zeros, spread, updates], { axis: 2, reduction: 'add' });
    toImage = context.reshape(added, context.inputShape(0));
  }
  let toGrid: string | undefined;
  // Nearest: moving the grid a little changes nothing.
  if (context.needs(1) && taps > 1) {
    const image = context.reshape(x, [batch, channels, sizeOf(sizes)]);
    const read = context.op('GatherElements', [image, spread], { axis: 2 });
    const elements = context.reshape(read, [batch, channels, combinations, count]);
    const inner = context.reduceSum(context.mul(elements, gradient), [1], true);
    const components = sizes.map((size, axis) => {
      const slopes = product(axes.map(({ weight, slope }, i) => (i === axis && slope ? slope : weight)));
      const sum = context.reduceSum(context.mul(inner, slopes), [1, 2], false);
      return context.reshape(context.scale(sum, factor(size), grid), [batch, ...samples, 1]);
    });
    toGrid = context.op('Concat', components.reverse(), { axis: rank + 1 });
  }
  return [toImage, toGrid];
};

/** grid = base·θᵀ, with the normalised coordinates of every output element (and a one) as rows of `base`. */
const affineGrid: VjpRule = (context, [g]) => {
  if (!g || !context.needs(0)) return [];
  const [batch, rank, columns] = context.inputShape(0);
  const sizes = context.outputShape().slice(1, -1);
  const count = sizeOf(sizes);
  const alignCorners = intAttribute(context.node, 'align_corners', 0) === 1;
  const coordinate = (i: number, size: number) => (alignCorners ? (2 * i) / (size - 1) - 1 : (2 * i + 1) / size - 1);
  const base = new Float64Array(count * columns);
  for (let row = 0; row < count; row++) {
    let rest = row;
    for (let axis = rank - 1; axis >= 0; axis--) {
      base[row * columns + rank - 1 - axis] = coordinate(rest % sizes[axis], sizes[axis]);
      rest = Math.floor(rest / sizes[axis]);
    }
    base[row * columns + rank] = 1;
  }
  const rows = context.constantTensor(fromNumbers(context.type(context.input(0)), [count, columns], base));
  const gradient = context.transpose(context.reshape(g, [batch, count, rank]), [0, 2, 1]);
  return [context.op('MatMul', [gradient, rows])];
};

/** Sampling at computed positions. */
export const sampling = {
  // Piecewise polynomial in the grid: between two elements the slope is that of the piece to the right.
  GridSample: kinked(gridSample),
  AffineGrid: smooth(affineGrid),
} satisfies RuleTable;
