import { intAttribute, intsAttribute, type Node, operatorKey } from '../../onnx/graph.ts';
import { toNumbers } from '../../tensor/convert.ts';
import { lookup } from '../../tensor/lookup.ts';
import { int64, sameShape, sizeOf, stridesOf } from '../../tensor/tensor.ts';
import type { RuleContext } from '../context.ts';
import type { Facts } from '../facts.ts';
import { axisOf } from '../rules/axes.ts';

/**
 * One linear operation `v' = T v` between a parameter and the place where it meets the data, on values that have one
 * more axis in front (directions, rows).
 */
export interface LinearStep {
  /** Whether elements keep their order (a reshape), are a matrix that is transposed, or anything else. */
  readonly kind: 'reshape' | 'transposed-matrix' | 'other';
  /** Shape of what comes out. */
  readonly shape: readonly number[];
  /** `T` of every direction: `[lead, …in]` → `[lead, …out]`. */
  forward(c: RuleContext, value: string, lead: number): string;
  /** `Tᵀ` of every row: `[lead, …out]` → `[lead, …in]`. */
  transpose(c: RuleContext, gradient: string, lead: number): string;
}

type StepOf = (node: Node, index: number, facts: Facts, shapes: Shapes) => LinearStep | undefined;

interface Shapes {
  readonly from: readonly number[];
  readonly to: readonly number[];
}

const reshaped: StepOf = (_, index, _facts, { from, to }) =>
  index === 0
    ? {
        kind: 'reshape',
        shape: to,
        forward: (c, value, lead) => c.reshapeTo(value, [lead, ...from], [lead, ...to]),
        transpose: (c, gradient, lead) => c.reshapeTo(gradient, [lead, ...to], [lead, ...from]),
      }
    : undefined;

const transposed: StepOf = (node, _, _facts, { from, to }) => {
  const order = intsAttribute(node, 'perm') ?? from.map((_, i) => from.length - 1 - i);
  const behind = (axes: readonly number[]) => [0, ...axes.map((axis) => axis + 1)];
  const back = from.map((_, axis) => order.indexOf(axis));
  const isTurned = from.length === 2 && order[0] === 1;
  return {
    kind: isTurned ? 'transposed-matrix' : order.every((axis, i) => axis === i) ? 'reshape' : 'other',
    shape: to,
    forward: (c, value) => c.transpose(value, behind(order)),
    transpose: (c, gradient) => c.transpose(gradient, behind(back)),
  };
};

/** Element i of the result is element `indices[i]` of the source: gathered forward, added up where it came from backward. */
function moved({ from, to }: Shapes, indices: BigInt64Array): LinearStep {
  return {
    kind: 'other',
    shape: to,
    forward(c, value, lead) {
      const flat = c.reshape(value, [lead, sizeOf(from)]);
      const chosen = c.op('Gather', [flat, c.constantTensor(int64([indices.length], indices))], { axis: 1 });
      return c.reshape(chosen, [lead, ...to]);
    },
    transpose(c, gradient, lead) {
      const flat = c.reshape(gradient, [lead, indices.length]);
      const places = c.expand(c.constantTensor(int64([1, indices.length], indices)), [lead, indices.length]);
      const added = c.op('ScatterElements', [c.zeros([lead, sizeOf(from)]), places, flat], {
        axis: 1,
        reduction: 'add',
      });
      return c.reshape(added, [lead, ...from]);
    },
  };
}

/** Flat index in a source of shape `from` for every element of a result of shape `to`. */
function flatIndices({ from, to }: Shapes, source: (index: readonly number[]) => readonly number[]): BigInt64Array {
  const [inner, outer] = [stridesOf(from), stridesOf(to)];
  const result = new BigInt64Array(sizeOf(to));
  for (let flat = 0; flat < result.length; flat++) {
    const at = source(outer.map((stride, axis) => Math.floor(flat / stride) % to[axis]));
    let index = 0;
    for (let axis = 0; axis < at.length; axis++) index += at[axis] * inner[axis];
    result[flat] = BigInt(index);
  }
  return result;
}

const numbers = (name: string | undefined, facts: Facts) => {
  const constant = name ? facts.constants.get(name) : undefined;
  return constant && toNumbers(constant);
};

const gathered: StepOf = (node, index, facts, shapes) => {
  const chosen = index === 0 ? numbers(node.inputs[1], facts) : undefined;
  if (!chosen) return undefined;
  const axis = axisOf(intAttribute(node, 'axis', 0), shapes.from.length);
  const rank = facts.shapes.get(node.inputs[1])?.length ?? 0;
  const strides = stridesOf(facts.shapes.get(node.inputs[1]) ?? []);
  const source = (at: readonly number[]) => {
    const flat = strides.reduce((sum, stride, i) => sum + at[axis + i] * stride, 0);
    return [...at.slice(0, axis), axisOf(chosen[flat], shapes.from[axis]), ...at.slice(axis + rank)];
  };
  return moved(shapes, flatIndices(shapes, source));
};

const sliced: StepOf = (node, index, facts, shapes) => {
  const [starts, ends] = [numbers(node.inputs[1], facts), numbers(node.inputs[2], facts)];
  if (index !== 0 || !starts || !ends) return undefined;
  const axes = (numbers(node.inputs[3], facts) ?? starts.map((_, i) => i)).map((axis) =>
    axisOf(axis, shapes.from.length),
  );
  const steps = numbers(node.inputs[4], facts) ?? starts.map(() => 1);
  const first = starts.map((start, i) => {
    const size = shapes.from[axes[i]];
    const counted = start < 0 ? start + size : start;
    return Math.min(Math.max(counted, 0), steps[i] < 0 ? size - 1 : size);
  });
  const source = (at: readonly number[]) =>
    at.map((position, axis) => {
      const i = axes.indexOf(axis);
      return i < 0 ? position : first[i] + position * steps[i];
    });
  return moved(shapes, flatIndices(shapes, source));
};

const expanded: StepOf = (_, index, _facts, shapes) => {
  if (index !== 0) return undefined;
  const lead = shapes.to.length - shapes.from.length;
  return moved(
    shapes,
    flatIndices(shapes, (at) => shapes.from.map((size, axis) => (size === 1 ? 0 : at[lead + axis]))),
  );
};

/** A product with, or a quotient by, a value that is the same for every row and does not depend on the parameters. */
const scaled =
  (op: 'Mul' | 'Div'): StepOf =>
  (node, index, _, { from, to }) => {
    const other = node.inputs[1 - index];
    if (!sameShape(from, to) || (op === 'Div' && index === 1)) return undefined;
    const apply = (c: RuleContext, value: string) => c.op(op, [value, other]);
    return { kind: 'other', shape: to, forward: apply, transpose: apply };
  };

const steps: Readonly<Record<string, StepOf>> = {
  ...Object.fromEntries(['Identity', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze'].map((op) => [op, reshaped])),
  Transpose: transposed,
  Gather: gathered,
  Slice: sliced,
  Expand: expanded,
  Mul: scaled('Mul'),
  Div: scaled('Div'),
};

/**
 * The linear operation that a node does to its input `index`, where the other inputs are constants; undefined where it
 * is none of those that are known.
 */
export function linearStep(node: Node, index: number, facts: Facts): LinearStep | undefined {
  const [from, to] = [facts.shapes.get(node.inputs[index]), facts.shapes.get(node.outputs[0])];
  return from && to ? lookup(steps, operatorKey(node))?.(node, index, facts, { from, to }) : undefined;
}
