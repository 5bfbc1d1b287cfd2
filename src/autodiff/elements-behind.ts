import { intAttribute, intsAttribute, type Node, operatorKey } from '../onnx/graph.ts';
import { operatorsThat } from '../onnx/operators.ts';
import { toNumbers } from '../tensor/convert.ts';
import { filled } from '../tensor/filled.ts';
import { lookup } from '../tensor/lookup.ts';
import { sameShape, sizeOf, stridesOf } from '../tensor/tensor.ts';
import type { Facts } from './facts.ts';

/** A value whose every element is, or hangs on, one element of the source: which one, in the order of the value. */
type Indices = Int32Array;

type Move = (node: Node, indices: Indices, facts: Facts) => Indices | undefined;

/** Sources with more elements are spoken of as a whole. */
const mostElements = 4096;
/** Of so many elements the names are listed. */
const mostListed = 8;

/** The same elements in the same order, or each from the element at its place. */
const inPlace: Move = (node, indices, { shapes }) => {
  const size = sizeOf(shapes.get(node.outputs[0]) ?? []);
  return size === indices.length ? indices : undefined;
};

const shapeOf = (name: string, { shapes }: Facts) => shapes.get(name) ?? [];
const numbersOf = (name: string | undefined, { constants }: Facts) => {
  const constant = name ? constants.get(name) : undefined;
  return constant && toNumbers(constant);
};
const fromEnd = (axis: number, length: number) => (axis < 0 ? axis + length : axis);

/** Takes the elements at chosen positions along one axis. */
function take(indices: Indices, shape: readonly number[], axis: number, positions: readonly number[]): Indices {
  const inner = sizeOf(shape.slice(axis + 1));
  const outer = sizeOf(shape.slice(0, axis));
  const result = new Int32Array(outer * positions.length * inner);
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (const position of positions) {
      const start = (o * shape[axis] + position) * inner;
      result.set(indices.subarray(start, start + inner), at);
      at += inner;
    }
  }
  return result;
}

const range = (start: number, end: number, step = 1) =>
  Array.from({ length: Math.max(0, Math.ceil((end - start) / step)) }, (_, i) => start + i * step);

/** Operators that compute each element from the one at its place, or leave it where it is. */
const ofOnePlace = operatorsThat(
  ({ moves, elementwise, broadcasts }) => moves === 'order' || elementwise === true || broadcasts === true,
);

const moves: Readonly<Record<string, Move | undefined>> = {
  ...Object.fromEntries([...ofOnePlace].map((op) => [op, inPlace])),
  Transpose: (node, indices, facts) => {
    const shape = shapeOf(node.inputs[0], facts);
    const order = intsAttribute(node, 'perm') ?? shape.map((_, i) => shape.length - 1 - i);
    const [to, strides] = [order.map((axis) => shape[axis]), stridesOf(shape)];
    const positions = stridesOf(to);
    return indices.map((_, flat) => {
      let from = 0;
      for (const [i, axis] of order.entries()) from += (Math.floor(flat / positions[i]) % to[i]) * strides[axis];
      return indices[from];
    });
  },
  Gather: (node, indices, facts) => {
    const shape = shapeOf(node.inputs[0], facts);
    const axis = fromEnd(intAttribute(node, 'axis', 0), shape.length);
    const chosen = numbersOf(node.inputs[1], facts)?.map((at) => fromEnd(at, shape[axis]));
    return chosen && take(indices, shape, axis, chosen);
  },
  Slice: (node, indices, facts) => {
    const [starts, ends] = [numbersOf(node.inputs[1], facts), numbersOf(node.inputs[2], facts)];
    const shape = [...shapeOf(node.inputs[0], facts)];
    if (!starts || !ends) return undefined;
    const axes = node.inputs[3] ? numbersOf(node.inputs[3], facts) : starts.map((_, i) => i);
    const steps = node.inputs[4] ? numbersOf(node.inputs[4], facts) : starts.map(() => 1);
    if (!axes || !steps || steps.some((step) => step < 1)) return undefined;
    return axes.reduce((taken, given, i) => {
      const axis = fromEnd(given, shape.length);
      const bound = (at: number) => Math.min(shape[axis], Math.max(0, fromEnd(at, shape[axis])));
      const positions = range(bound(starts[i]), bound(ends[i]), steps[i]);
      const result = take(taken, shape, axis, positions);
      shape[axis] = positions.length;
      return result;
    }, indices);
  },
};

/**
 * Which elements of a source a value hangs on, in words: `columns 0, 2 of "x"` for rows of columns, else by index;
 * `"x"` where the path between them does more than move elements.
 */
export function elementsBehind(nodes: readonly Node[], facts: Facts, source: string, value: string): string {
  const shape = shapeOf(source, facts);
  const whole = `"${source}"`;
  if (sizeOf(shape) > mostElements) return whole;
  const known = new Map<string, Indices>([[source, filled(new Int32Array(sizeOf(shape)), (i) => i)]]);
  for (const node of nodes) {
    const from = node.inputs.filter((name) => known.has(name));
    if (from.length !== 1) continue;
    const indices = known.get(from[0]) as Indices;
    for (const [i, output] of node.outputs.entries()) {
      const moved = node.op === 'Split' ? piece(node, i, indices, facts) : moveOf(node, from[0], indices, facts);
      if (output && moved) known.set(output, moved);
    }
  }
  const indices = known.get(value);
  if (!indices) return whole;
  // The rows of a batch are alike: an element is named by its place in a row.
  const row = sizeOf(shape.slice(1));
  const positions = [...new Set(Array.from(indices, (at) => at % row))].sort((a, b) => a - b);
  if (positions.length === row || positions.length === 0) return whole;
  const listed = positions.slice(0, mostListed).map((at) => nameOf(at, shape.slice(1)));
  const more = positions.length > mostListed ? ` and ${positions.length - mostListed} more` : '';
  const kind = shape.length === 2 ? 'column' : 'element';
  return `${kind}${positions.length > 1 ? 's' : ''} ${listed.join(', ')}${more} of ${whole}`;
}

function moveOf(node: Node, from: string, indices: Indices, facts: Facts): Indices | undefined {
  // A value that hangs on the source only as an index or a size is not moved.
  const isFirst = node.inputs[0] === from;
  const move = lookup(moves, operatorKey(node));
  const isSame = move === inPlace && sameShape(shapeOf(from, facts), shapeOf(node.outputs[0], facts));
  return move && (isFirst || isSame) ? move(node, indices, facts) : undefined;
}

function piece(node: Node, output: number, indices: Indices, facts: Facts): Indices | undefined {
  const shape = shapeOf(node.inputs[0], facts);
  const axis = fromEnd(intAttribute(node, 'axis', 0), shape.length);
  const sizes = node.outputs.map((name) => shapeOf(name, facts)[axis]);
  if (sizes.some((size) => size === undefined)) return undefined;
  const start = sizes.slice(0, output).reduce((sum, size) => sum + size, 0);
  return take(indices, shape, axis, range(start, start + sizes[output]));
}

/** `3` in a row of columns, `[0,3]` in anything with more axes. */
function nameOf(at: number, shape: readonly number[]): string {
  const strides = stridesOf(shape);
  const index = shape.map((size, axis) => Math.floor(at / strides[axis]) % size);
  return index.length === 1 ? String(index[0]) : `[${index.join(',')}]`;
}
