import { intAttribute } from '../../onnx/graph.ts';
import { fromNumbers } from '../../tensor/convert.ts';
import { sizeOf, stridesOf } from '../../tensor/tensor.ts';
import type { RuleContext, VjpRule } from '../context.ts';
import { kinked, type RuleTable, smooth } from './entry.ts';
import { padAxis } from './placement.ts';
import { scatterAlong, scatterFlat } from './scatter.ts';

function axisAttribute(c: RuleContext, fallback: number, rank: number): number {
  const axis = intAttribute(c.node, 'axis', fallback);
  return axis < 0 ? axis + rank : axis;
}

/** A shape seen from one axis: the elements before it, its own, and those behind it. */
function around(shape: readonly number[], axis: number): [number, number, number] {
  return [sizeOf(shape.slice(0, axis)), shape[axis], sizeOf(shape.slice(axis + 1))];
}

const gatherRule: VjpRule = (c, [g]) => {
  if (!g) return [];
  const shape = c.inputShape(0);
  const axis = axisAttribute(c, 0, shape.length);
  const [before, size, after] = around(shape, axis);
  const run = runOf(c.constant(c.input(1)) && c.numbers(1, 'indices'), size);
  if (run) {
    const rows = c.reshape(g, [...shape.slice(0, axis), run.count, ...shape.slice(axis + 1)]);
    return [padAxis(c, rows, shape.length, axis, run.start, size - run.start - run.count)];
  }
  const count = sizeOf(c.inputShape(1));
  const indices = c.reshape(c.input(1), [1, count, 1]);
  const added = scatterAlong(c, c.reshape(g, [before, count, after]), indices, [before, size, after], count);
  return [c.reshape(added, shape)];
};

/** Constant indices that count upwards one by one (a single one does): the gradient needs padding only. */
function runOf(indices: readonly number[] | undefined, size: number): { start: number; count: number } | undefined {
  if (!indices?.length) return undefined;
  const positions = indices.map((index) => (index < 0 ? index + size : index));
  const [start] = positions;
  return positions.every((place, i) => place === start + i) ? { start, count: positions.length } : undefined;
}

const gatherElementsRule: VjpRule = (c, [g]) => {
  if (!g) return [];
  const zeros = c.zeros(c.inputShape(0), c.input(0));
  return [c.op('ScatterElements', [zeros, c.input(1), g], { axis: intAttribute(c.node, 'axis', 0), reduction: 'add' })];
};

/** The index tuples become positions in the indexed axes seen as one; then as Gather along it. */
const gatherNdRule: VjpRule = (c, [g]) => {
  if (!g) return [];
  const shape = c.inputShape(0);
  const tuples = c.inputShape(1);
  const batchAxes = intAttribute(c.node, 'batch_dims', 0);
  const depth = tuples[tuples.length - 1];
  const indexed = shape.slice(batchAxes, batchAxes + depth);
  const batch = sizeOf(shape.slice(0, batchAxes));
  const after = sizeOf(shape.slice(batchAxes + depth));
  const count = sizeOf(tuples.slice(batchAxes, -1));
  // Mod counts negative indices from the end: its result has the divisor's sign.
  const wrapped = c.op('Mod', [c.input(1), c.ints(indexed)]);
  const positions = c.reduceSum(c.mul(wrapped, c.ints(stridesOf(indexed))), [tuples.length - 1], false);
  const rows = c.reshape(g, [batch, count, after]);
  const along = [batch, sizeOf(indexed), after] as const;
  return [c.reshape(scatterAlong(c, rows, c.reshape(positions, [batch, count, 1]), along, count), shape)];
};

/** The k values go back where they came from. Ties: the elements that the operator chose. */
const topKRule: VjpRule = (c, [g]) => {
  if (!g) return [];
  const indices = c.requestOutput(1, c.outputShape(), 'int64');
  const zeros = c.zeros(c.inputShape(0), c.input(0));
  return [c.op('ScatterElements', [zeros, indices, g], { axis: intAttribute(c.node, 'axis', -1), reduction: 'add' })];
};

/** y = off + hot·(on − off), with hot from the operator itself: 1 at the indices, 0 elsewhere. */
const oneHotRule: VjpRule = (c, [g]) => {
  if (!g) return [];
  const values = c.input(2);
  const zeroOne = c.constantTensor(fromNumbers(c.type(values), [2], [0, 1]));
  const hot = c.op('OneHot', [c.input(0), c.input(1), zeroOne], { axis: intAttribute(c.node, 'axis', -1) });
  const axes = c.outputShape().map((_, i) => i);
  const total = (a: string) => c.reshape(c.reduceSum(a, axes, false), [1]);
  const on = total(c.mul(g, hot));
  const off = total(c.mul(g, c.sub(c.scalar(1, values), hot)));
  return [undefined, undefined, c.op('Concat', [off, on], { axis: 0 })];
};

/** Where the condition holds, elements or slices go back to their places; the others are zero. */
const compressRule: VjpRule = (c, [g]) => {
  if (!g) return [];
  const shape = c.inputShape(0);
  const kept = c.op('NonZero', [c.input(1)]);
  if (intAttribute(c.node, 'axis') === undefined) return [scatterFlat(c, g, kept, shape)];
  return [scatterSlices(c, g, kept, shape, axisAttribute(c, 0, shape.length), c.outputShape())];
};

/**
 * The distinct values come from their first occurrence. Where values are equal, a small change would make two values
 * of them: there the rule takes the subgradient that moves the first occurrence alone.
 */
const uniqueRule: VjpRule = (c, [g]) => {
  if (!g) return [];
  const shape = c.inputShape(0);
  const named = intAttribute(c.node, 'axis');
  const axis = axisAttribute(c, 0, shape.length);
  const count = c.outputShape()[named === undefined ? 0 : axis];
  const first = c.requestOutput(1, [count], 'int64');
  return [
    named === undefined ? scatterFlat(c, g, first, shape) : scatterSlices(c, g, first, shape, axis, c.outputShape()),
  ];
};

/** Slices of `g` added at `indices` of one axis; `from` is the shape of `g`. */
function scatterSlices(
  c: RuleContext,
  g: string,
  indices: string,
  shape: readonly number[],
  axis: number,
  from: readonly number[],
): string {
  const [before, size, after] = around(shape, axis);
  const rows = c.reshape(g, [before, from[axis], after]);
  return c.reshape(
    scatterAlong(c, rows, c.reshape(indices, [1, from[axis], 1]), [before, size, after], from[axis]),
    shape,
  );
}

/** Operators that choose elements by index. */
export const indexing = {
  Gather: smooth(gatherRule),
  GatherElements: smooth(gatherElementsRule),
  GatherND: smooth(gatherNdRule),
  TopK: kinked(topKRule),
  OneHot: smooth(oneHotRule),
  Compress: smooth(compressRule),
  Unique: kinked(uniqueRule),
} satisfies RuleTable;
