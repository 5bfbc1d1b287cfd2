import { intAttribute, intsAttribute, type Node, operatorKey } from '../onnx/graph.ts';
import { lookup } from '../tensor/lookup.ts';
import { elementwiseShape } from './elementwise-shapes.ts';

type Shape = readonly number[];
type Constants = readonly (Shape | undefined)[];

/** How the shape of a node's output follows without a run. */
export interface FollowedShape {
  /** Values whose shapes it follows from. */
  readonly from: readonly string[];
  /** Values whose elements it follows from. Empty names are inputs that are left out. */
  readonly by: readonly string[];
  /** The shape; undefined where the inputs do not fit together, which the runtime says better. */
  readonly shape: (shapes: readonly Shape[], constants: Constants) => Shape | undefined;
}

type Rule = (node: Node, shapes: readonly Shape[], constants: Constants) => Shape | undefined;

const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** Axes by an attribute, in older opsets, or by the second input. */
const axesOf = (node: Node, [given]: Constants): Shape | undefined => intsAttribute(node, 'axes') ?? given;

const matMul: Rule = (_, [a, b]) => {
  if (a.length < 2 || b.length < 2 || a[a.length - 1] !== b[b.length - 2]) return undefined;
  const rows = stretched([a.slice(0, -2), b.slice(0, -2)]);
  return rows && [...rows, a[a.length - 2], b[b.length - 1]];
};

const transpose: Rule = (node, [shape]) => {
  const order = intsAttribute(node, 'perm') ?? shape.map((_, i) => shape.length - 1 - i);
  return order.length === shape.length ? order.map((axis) => shape[axis]) : undefined;
};

const reshape: Rule = (node, [shape], [target = []]) => {
  const keepsZero = intAttribute(node, 'allowzero', 0) === 1;
  const sizes = target.map((size, i) => (size === 0 && !keepsZero ? shape[i] : size));
  const elements = (of: Shape) => of.reduce((all, size) => all * size, 1);
  const rest = elements(shape) / elements(sizes.filter((size) => size !== -1));
  const found = sizes.map((size) => (size === -1 ? rest : size));
  return found.every((size) => Number.isInteger(size)) && elements(found) === elements(shape) ? found : undefined;
};

const concat: Rule = (node, shapes) => {
  const axis = axisOf(intAttribute(node, 'axis', 0), shapes[0].length);
  const fits = shapes.every(
    (shape) => shape.length === shapes[0].length && shape.every((size, k) => k === axis || size === shapes[0][k]),
  );
  const along = shapes.reduce((sum, shape) => sum + shape[axis], 0);
  return fits ? shapes[0].map((size, k) => (k === axis ? along : size)) : undefined;
};

const unsqueeze: Rule = (node, [shape], constants) => {
  const axes = axesOf(node, constants);
  if (!axes) return undefined;
  const rank = shape.length + axes.length;
  const added = new Set(axes.map((axis) => axisOf(axis, rank)));
  let next = 0;
  return Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : shape[next++]));
};

const squeeze: Rule = (node, [shape], constants) => {
  const gone = axesOf(node, constants)?.map((axis) => axisOf(axis, shape.length));
  if (gone?.some((axis) => shape[axis] !== 1)) return undefined;
  return shape.filter((size, axis) => (gone ? !gone.includes(axis) : size !== 1));
};

/** With positive steps; bounds beyond the ends are cut to them. */
const slice: Rule = (
  _,
  [shape],
  [starts = [], ends = [], axes = starts.map((_, i) => i), steps = starts.map(() => 1)],
) => {
  if (steps.some((step) => step <= 0)) return undefined;
  const sizes = [...shape];
  for (const [i, axis] of axes.entries()) {
    const at = axisOf(axis, shape.length);
    const within = (bound: number) => Math.min(Math.max(bound < 0 ? bound + shape[at] : bound, 0), shape[at]);
    sizes[at] = Math.max(0, Math.ceil((within(ends[i]) - within(starts[i])) / steps[i]));
  }
  return sizes;
};

const reduce: Rule = (node, [shape], constants) => {
  const given = axesOf(node, constants);
  if (!given?.length) return undefined;
  const gone = new Set(given.map((axis) => axisOf(axis, shape.length)));
  const keeps = intAttribute(node, 'keepdims', 1) === 1;
  return shape.flatMap((size, axis) => (gone.has(axis) ? (keeps ? [1] : []) : [size]));
};

/** Sizes aligned at the last axis; undefined where two that differ are both larger than 1. */
function stretched(shapes: readonly Shape[]): Shape | undefined {
  const rank = shapes.reduce((most, { length }) => Math.max(most, length), 0);
  const result = new Array<number>(rank).fill(1);
  for (const shape of shapes)
    for (const [i, size] of shape.entries()) {
      const at = rank - shape.length + i;
      if (size !== 1 && result[at] !== 1 && result[at] !== size) return undefined;
      if (size !== 1) result[at] = size;
    }
  return result;
}

const gather: Rule = (node, [data, indices]) => {
  const axis = axisOf(intAttribute(node, 'axis', 0), data.length);
  return [...data.slice(0, axis), ...indices, ...data.slice(axis + 1)];
};

/** A tuple of indices stands for the axes behind those of the batch, one each. */
const gatherNd: Rule = (node, [data, indices]) => {
  const tuple = indices[indices.length - 1];
  return [...indices.slice(0, -1), ...data.slice(intAttribute(node, 'batch_dims', 0) + tuple)];
};

const expand: Rule = (_, [shape], [target = []]) => stretched([shape, target]);

/** Sizes by a constant, an attribute of older opsets, or alike; the last may be smaller. */
const split =
  (output: number): Rule =>
  (node, [shape], [given]) => {
    const axis = axisOf(intAttribute(node, 'axis', 0), shape.length);
    const each = Math.ceil(shape[axis] / node.outputs.length);
    const alike = Math.min(each, shape[axis] - each * output);
    const size = (given ?? intsAttribute(node, 'split'))?.[output] ?? alike;
    return size < 0 ? undefined : shape.map((own, k) => (k === axis ? size : own));
  };

/** Operators that move elements, or work along axes, with how many of their inputs are read as values. */
const rules: Readonly<Record<string, { readonly values: number; readonly rule: Rule }>> = {
  MatMul: { values: 2, rule: matMul },
  Transpose: { values: 1, rule: transpose },
  Reshape: { values: 1, rule: reshape },
  Concat: { values: Number.POSITIVE_INFINITY, rule: concat },
  Unsqueeze: { values: 1, rule: unsqueeze },
  Squeeze: { values: 1, rule: squeeze },
  Slice: { values: 1, rule: slice },
  Expand: { values: 1, rule: expand },
  ConstantOfShape: { values: 0, rule: (_, __, [shape]) => shape },
  Gather: { values: 2, rule: gather },
  GatherElements: { values: 2, rule: (_, [, indices]) => indices },
  GatherND: { values: 2, rule: gatherNd },
  ...Object.fromEntries(
    ['ScatterND', 'ScatterElements'].map((op) => [op, { values: 3, rule: ((_, [data]) => data) satisfies Rule }]),
  ),
  ...Object.fromEntries(['ReduceMean', 'ReduceSum', 'ReduceMax'].map((op) => [op, { values: 1, rule: reduce }])),
};

/**
 * How the shape of an output of a node follows from shapes and constants; undefined for operators whose shape the runtime
 * tells. What it follows for need not be computed to know the shapes of a graph: an attention over thousands of tokens
 * holds gigabytes.
 */
export function followedShape(node: Node, output = 0): FollowedShape | undefined {
  const simple = elementwiseShape(node);
  if (simple) return { ...simple, by: [] };
  const key = operatorKey(node);
  const own = key === 'Split' ? { values: 1, rule: split(output) } : lookup(rules, key);
  if (!own || (node.outputs.length !== 1 && key !== 'Split')) return undefined;
  // Over all axes: small, and with an option that says otherwise.
  if (
    own.rule === reduce &&
    !axesOf(
      node,
      node.inputs.slice(1).map(() => []),
    )
  )
    return undefined;
  return {
    from: node.inputs.slice(0, own.values),
    by: node.inputs.slice(own.values),
    shape: (shapes, constants) => own.rule(node, shapes, constants),
  };
}
