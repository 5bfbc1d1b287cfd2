import { floatAttribute, intAttribute, intsAttribute, type Node } from '../../onnx/graph.ts';
import { fromNumbers } from '../../tensor/convert.ts';
import { sizeOf } from '../../tensor/tensor.ts';
import type { RuleContext, VjpRule } from '../context.ts';
import { type Convolution, transposedConvolution } from './convolution-input.ts';
import { kinked, type RuleTable, smooth } from './entry.ts';
import { maxPool } from './max-pool.ts';
import { planesOf, repeatedOverTiles, uncropped } from './tiles.ts';
import { isTiling, spatialAxes, type Windows, windowsOf } from './windows.ts';

const kernelOf = (node: Node): readonly number[] => intsAttribute(node, 'kernel_shape') ?? [];

function windowsOfPool(context: RuleContext): Windows {
  const kernel = kernelOf(context.node);
  return windowsOf(context.node, kernel, context.inputShape(0).slice(2), context.outputShape().slice(2));
}

/** `Σ_windows`: every window's gradient on all the positions that it reads. */
function spread(context: RuleContext, gradient: string, windows: Windows): string {
  const [batch, channels] = context.inputShape(0);
  const rank = windows.kernel.length;
  if (isTiling(windows)) {
    const isFlat = rank <= 2 && context.gradientType(context.input(0)) === 'float32';
    const tiled = isFlat ? repeated(context, gradient, windows) : expanded(context, gradient, windows);
    return uncropped(context, tiled, [batch, channels], windows);
  }
  const conv: Convolution = { ...windows, batch, channels, outputs: channels, group: channels };
  const ones = new Array<number>(channels * sizeOf(windows.kernel)).fill(1);
  const weight = context.constantTensor(
    fromNumbers(context.gradientType(context.input(0)), [channels, 1, ...windows.kernel], ones),
  );
  return transposedConvolution(context, gradient, weight, conv, { isFixed: true });
}

function repeated(context: RuleContext, gradient: string, windows: Windows): string {
  const [batch, channels] = context.inputShape(0);
  const { planes, kernel } = planesOf(windows, batch * channels);
  return repeatedOverTiles(context, gradient, planes, kernel);
}

/** The same for every number of axes and every type. */
function expanded(context: RuleContext, gradient: string, { kernel, narrow }: Windows): string {
  const lead = context.inputShape(0).slice(0, 2);
  const split = context.reshape(gradient, [...lead, ...narrow.flatMap((size) => [size, 1])]);
  return context.expand(split, [...lead, ...narrow.flatMap((size, i) => [size, kernel[i]])]);
}

/** Along one axis: how many elements the mean of every window divides by. */
function counts(windows: Windows, axis: number, includesPadding: boolean, declaredEnd: number): number[] {
  const { kernel, strides, dilations, begin, wide, narrow } = windows;
  const [low, high] = includesPadding ? [-begin[axis], wide[axis] + declaredEnd] : [0, wide[axis]];
  return Array.from({ length: narrow[axis] }, (_, o) => {
    let count = 0;
    for (let tap = 0; tap < kernel[axis]; tap++) {
      const position = o * strides[axis] + tap * dilations[axis] - begin[axis];
      if (position >= low && position < high) count++;
    }
    return count;
  });
}

/** The mean of every window, over the elements inside the input (or inside the padded one: count_include_pad). */
const averagePool: VjpRule = (context, [g]) => {
  if (!g) return [];
  const windows = windowsOfPool(context);
  const rank = windows.kernel.length;
  const includesPadding = intAttribute(context.node, 'count_include_pad', 0) === 1;
  const pads = intsAttribute(context.node, 'pads');
  const perAxis = windows.kernel.map((_, axis) =>
    // What a window reaches beyond the declared padding (ceil_mode) counts for nothing.
    counts(windows, axis, includesPadding, pads ? pads[rank + axis] : Math.max(0, windows.end[axis])),
  );
  const full = sizeOf(windows.kernel);
  if (perAxis.every((axis, i) => axis.every((count) => count === windows.kernel[i]))) {
    return [spread(context, context.scale(g, 1 / full, context.input(0)), windows)];
  }
  let reciprocals = [1];
  for (const axis of perAxis) reciprocals = reciprocals.flatMap((value) => axis.map((count) => value / count));
  const weights = fromNumbers(context.gradientType(context.input(0)), [1, 1, ...windows.narrow], reciprocals);
  return [spread(context, context.mul(g, context.constantTensor(weights)), windows)];
};

/**
 * y = (Σ|x|^p)^{1/p}: ∂y/∂x = sign(x)·(|x|/y)^{p−1}. Subgradient 0 where y = 0.
 * @param spreadOver from a value of y's shape to its sum over the windows that read a position
 */
function normGradient(context: RuleContext, g: string, p: number, spreadOver: (value: string) => string): string {
  const [x, y] = [context.input(0), context.output()];
  const constant = (value: number) => context.scalar(value, x);
  if (p === 1) return context.mul(context.op('Sign', [x]), spreadOver(g));
  const isZero = context.op('Equal', [y, constant(0)]);
  const safe = context.op('Where', [isZero, constant(1), y]);
  const power = p === 2 ? context.div(g, safe) : context.mul(g, context.op('Pow', [safe, constant(1 - p)]));
  const scaled = spreadOver(context.op('Where', [isZero, constant(0), power]));
  if (p === 2) return context.mul(x, scaled);
  const slope = context.mul(context.op('Sign', [x]), context.op('Pow', [context.op('Abs', [x]), constant(p - 1)]));
  return context.mul(slope, scaled);
}

const lpPool: VjpRule = (context, [g]) => {
  if (!g) return [];
  const windows = windowsOfPool(context);
  const p = intAttribute(context.node, 'p') ?? floatAttribute(context.node, 'p', 2);
  return [normGradient(context, g, p, (value) => spread(context, value, windows))];
};

const globalLpPool: VjpRule = (context, [g]) => {
  if (!g) return [];
  const p = intAttribute(context.node, 'p') ?? floatAttribute(context.node, 'p', 2);
  return [normGradient(context, g, p, (value) => value)];
};

const globalAveragePool: VjpRule = (context, [g]) => {
  if (!g) return [];
  const shape = context.inputShape(0);
  return [context.expand(context.scale(g, 1 / sizeOf(shape.slice(2)), context.input(0)), shape)];
};

/** Equal maxima share the gradient evenly. */
const globalMaxPool: VjpRule = (context, [g]) => {
  if (!g) return [];
  const [x, y] = [context.input(0), context.output()];
  const mask = context.indicator(context.op('Equal', [x, y]), x);
  const ties = context.reduceSum(mask, spatialAxes(context.inputShape(0).length - 2), true);
  return [context.mul(mask, context.div(g, ties))];
};

/** Every input element lies at the position that its index names; the others of y are zero. */
const maxUnpool: VjpRule = (context, [g]) => {
  if (!g || !context.needs(0)) return [];
  const shape = context.inputShape(0);
  const picked = context.op('GatherElements', [context.reshape(g, [-1]), context.reshape(context.input(1), [-1])], {
    axis: 0,
  });
  return [context.reshape(picked, shape)];
};

/** Pooling over windows and over whole feature maps. */
export const pooling = {
  // Equal maxima: the first one in the order of the runtime takes the gradient, as in PyTorch.
  MaxPool: kinked(maxPool),
  AveragePool: smooth(averagePool),
  LpPool: kinked(lpPool),
  GlobalAveragePool: smooth(globalAveragePool),
  GlobalMaxPool: kinked(globalMaxPool),
  GlobalLpPool: kinked(globalLpPool),
  MaxUnpool: smooth(maxUnpool),
} satisfies RuleTable;
