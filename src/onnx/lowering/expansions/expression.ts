import { fromNumbers } from '../../../tensor/convert.ts';
import { floatAttribute, type Node, type PlainAttributes } from '../../graph.ts';
import { codeOfDataType } from '../../types.ts';
import type { Rewriter } from '../rewrite.ts';

/**
 * Replaces a node by standard operators and returns nothing; or appends nothing and returns the reason why this node
 * stays as it is.
 */
export type Expansion = (node: Node, to: Rewriter) => string | undefined;

/** Operators that are replaced by simpler ones of the standard domain, by their key. */
export type Expansions = Readonly<Record<string, Expansion>>;

/** Arithmetic on values of the graph being rewritten; the last argument of each names the result. */
export function expressions(to: Rewriter) {
  const binary = (op: string) => (a: string, b: string, output?: string) => to.op(op, [a, b], {}, output);
  const unary = (op: string) => (a: string, output?: string) => to.op(op, [a], {}, output);
  return {
    add: binary('Add'),
    sub: binary('Sub'),
    mul: binary('Mul'),
    div: binary('Div'),
    matmul: binary('MatMul'),
    sqrt: unary('Sqrt'),
    sigmoid: unary('Sigmoid'),
    tanh: unary('Tanh'),
    /** x itself under another name. */
    named: unary('Identity'),
    shape: unary('Shape'),
    cast: (x: string, type: keyof typeof codeOfDataType, output?: string) =>
      to.op('Cast', [x], { to: codeOfDataType[type] }, output),
    reshape: (x: string, shape: readonly number[], output?: string) =>
      to.op('Reshape', [x, to.ints(shape)], {}, output),
    transpose: (x: string, perm: readonly number[], output?: string) => to.op('Transpose', [x], { perm }, output),
    concat: (parts: readonly string[], axis: number, output?: string) => to.op('Concat', parts, { axis }, output),
    unsqueeze: (x: string, axes: readonly number[], output?: string) =>
      to.op('Unsqueeze', [x, to.ints(axes)], {}, output),
    gather: (x: string, indices: string, axis: number, output?: string) =>
      to.op('Gather', [x, indices], { axis }, output),
    slice: (x: string, axis: number, start: number, end: number, step = 1) =>
      to.op('Slice', [x, ...[start, end, axis, step].map((value) => to.ints([value]))]),
    /** One dimension of a value, as a one-dimensional int64. */
    dimension: (x: string, axis: number) =>
      to.op('Shape', [x], { start: axis, end: axis === -1 ? undefined : axis + 1 }),
    /** Numbers 0 to n - 1 (or from `start` on), for n and start in one-dimensional int64 values. */
    range: (end: string, start?: string) => {
      const scalar = (value: string) => to.op('Squeeze', [value, to.ints([0])]);
      return to.op('Range', [
        start ? scalar(start) : to.constant(int64Scalar(0)),
        scalar(end),
        to.constant(int64Scalar(1)),
      ]);
    },
  };
}

const int64Scalar = (value: number) => fromNumbers('int64', [], [value]);

/** Past every axis: "to the end" in Slice. */
export const toTheEnd = Number.MAX_SAFE_INTEGER;

/** The operator's epsilon as an attribute to hand on. */
export const epsilonOf = (node: Node, fallback: number): PlainAttributes => ({
  epsilon: { float: floatAttribute(node, 'epsilon', fallback) },
});

/** Whether a node makes this output and something reads it. */
export const wants = (node: Node, output: number, to: Rewriter): boolean =>
  Boolean(node.outputs[output]) && to.isRead(node.outputs[output]);

/** Input `index`, or '' where it is left out. */
export const inputOf = (node: Node, index: number): string => node.inputs[index] ?? '';
