import { floatAttribute, intAttribute, intsAttribute, stringAttribute } from '../../onnx/graph.ts';
import { fromNumbers } from '../../tensor/convert.ts';
import { maxOf, minOf } from '../../tensor/extremes.ts';
import { sizeOf } from '../../tensor/tensor.ts';
import type { RuleContext, VjpRule } from '../context.ts';
import { type RuleTable, smooth } from './entry.ts';
import { type Axis, type Interpolation, interpolationMatrix } from './interpolation.ts';

function interpolationOf({ node }: RuleContext): Interpolation {
  return {
    mode: stringAttribute(node, 'mode', 'nearest') as Interpolation['mode'],
    coordinates: stringAttribute(node, 'coordinate_transformation_mode', 'half_pixel'),
    nearest: stringAttribute(node, 'nearest_mode', 'round_prefer_floor'),
    cubicCoefficient: floatAttribute(node, 'cubic_coeff_a', -0.75),
    excludeOutside: intAttribute(node, 'exclude_outside', 0) === 1,
    antialias: intAttribute(node, 'antialias', 0) === 1,
  };
}

/** Every axis of the input, those that the node leaves alone included. */
function axesOf(context: RuleContext, how: Interpolation): Axis[] {
  const [shape, resized] = [context.inputShape(0), context.outputShape()];
  const rank = shape.length;
  const listed = (intsAttribute(context.node, 'axes') ?? shape.map((_, i) => i)).map((axis) =>
    axis < 0 ? axis + rank : axis,
  );
  const scales = context.hasInput(2) ? (context.numbers(2, 'scales') ?? []) : [];
  const region = how.coordinates === 'tf_crop_and_resize' ? (context.numbers(1, 'region of interest') ?? []) : [];
  const common = scales.length ? undefined : commonScale(context, listed);
  return shape.map((size, i) => {
    const place = listed.indexOf(i);
    const given = place >= 0 ? (common ?? scales[place]) : 1;
    // Where sizes are given, the scale follows from them.
    const scale = given ?? Math.fround(resized[i] / size);
    const cropped = region.length > 0 && place >= 0;
    const [start, end] = cropped ? [region[place], region[listed.length + place]] : [0, 1];
    return { size, resized: resized[i], scale, start, end };
  });
}

/** keep_aspect_ratio_policy: one scale for all axes, before the sizes are rounded to whole elements. */
function commonScale(context: RuleContext, axes: readonly number[]): number | undefined {
  const policy = stringAttribute(context.node, 'keep_aspect_ratio_policy', 'stretch');
  if (policy === 'stretch') return undefined;
  const sizes = context.numbers(3, 'sizes') ?? [];
  const scales = axes.map((axis, i) => sizes[i] / context.inputShape(0)[axis]);
  return Math.fround(policy === 'not_larger' ? minOf(scales) : maxOf(scales));
}

const isIdentity = (matrix: Float64Array, { size, resized }: Axis) =>
  size === resized && matrix.every((value, i) => value === (i % (size + 1) === 0 ? 1 : 0));

/** How often every element is repeated, where that is all the map does; else 0. */
function repetitions(matrix: Float64Array, { size, resized }: Axis): number {
  const times = resized / size;
  const repeats =
    Number.isInteger(times) &&
    matrix.every((value, i) => value === (Math.floor(Math.floor(i / size) / times) === i % size ? 1 : 0));
  return repeats ? times : 0;
}

/** y = (A₁ ⊗ … ⊗ Aₙ)·x with a fixed matrix per axis: the gradient is multiplied by their transposes, axis by axis. */
const resize: VjpRule = (context, [g]) => {
  if (!g || !context.needs(0)) return [];
  const how = interpolationOf(context);
  const axes = axesOf(context, how);
  const matrices = axes.map((axis) => {
    const matrix = interpolationMatrix(how, axis);
    if (!matrix)
      throw context.refuse(`its coordinate transformation is "${how.coordinates}"`, 'export the model with half_pixel');
    return matrix;
  });
  const times = matrices.map((matrix, i) => repetitions(matrix, axes[i]));
  const spatial = axes.length - 2;
  if (spatial >= 1 && spatial <= 3 && times.every((count, i) => count >= 1 && (i >= 2 || count === 1))) {
    return [sumOfRepetitions(context, g, times.slice(2))];
  }
  const shape = axes.map((axis) => axis.resized);
  // The axes that shrink most first: the others then have less to do.
  const order = axes.map((_, i) => i).sort((a, b) => axes[a].size / axes[a].resized - axes[b].size / axes[b].resized);
  let gradient = g;
  for (const i of order) {
    if (isIdentity(matrices[i], axes[i])) continue;
    gradient = multiplyAxis(context, gradient, shape, i, axes[i].size, matrices[i]);
    shape[i] = axes[i].size;
  }
  return [gradient];
};

/** Elements repeated k times: the sum of k gradients, for which the mean of a window is the fastest kernel. */
function sumOfRepetitions(context: RuleContext, g: string, times: readonly number[]): string {
  const count = sizeOf(times);
  if (count === 1) return g;
  const mean = context.op('AveragePool', [g], { kernel_shape: times, strides: times });
  return context.scale(mean, count, context.input(0));
}

/** Multiplies axis `axis` of a gradient by the transpose of `matrix`, `[shape[axis], size]`. */
function multiplyAxis(
  context: RuleContext,
  gradient: string,
  shape: readonly number[],
  axis: number,
  size: number,
  matrix: Float64Array,
): string {
  const resized = shape[axis];
  const before = sizeOf(shape.slice(0, axis));
  const behind = sizeOf(shape.slice(axis + 1));
  const type = context.type(context.input(0));
  const result = [...shape.slice(0, axis), size, ...shape.slice(axis + 1)];
  if (behind === 1) {
    const weights = context.constantTensor(fromNumbers(type, [resized, size], matrix));
    const flat = context.reshape(gradient, [before, resized]);
    return context.reshape(context.op('MatMul', [flat, weights]), result);
  }
  const transposed = new Float64Array(matrix.length);
  for (let row = 0; row < resized; row++) {
    for (let column = 0; column < size; column++) transposed[column * resized + row] = matrix[row * size + column];
  }
  const weights = context.constantTensor(fromNumbers(type, [size, resized], transposed));
  const blocks = context.reshape(gradient, [before, resized, behind]);
  return context.reshape(context.op('MatMul', [weights, blocks]), result);
}

/** Resizing. Upsample is lowered to Resize. */
export const resizing = {
  Resize: smooth(resize),
} satisfies RuleTable;
