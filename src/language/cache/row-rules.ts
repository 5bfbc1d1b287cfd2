import { type Known, type Narrow, narrowing } from '../../attribution/pruning/at-positions.ts';
import { intAttribute } from '../../onnx/graph.ts';

const shapeOf = ({ shapes }: Known, name: string): readonly number[] => shapes.get(name) ?? [];
const counted = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis);

/**
 * For one axis of a node's output, the axis of each input that holds the same rows: undefined for an input that is read
 * as a whole. A node without a rule, or whose rule gives nothing, needs all rows of all inputs.
 */
export const rowRules: Readonly<Record<string, Narrow>> = {
  ...narrowing,
  Expand: (node, axis, known) => {
    const [from, to] = [shapeOf(known, node.inputs[0]), shapeOf(known, node.outputs[0])];
    const own = axis - (to.length - from.length);
    const replaced = ['', known.ints(to.map((size, k) => (k === axis ? 1 : size)))];
    return own >= 0 && from[own] === to[axis] ? { axes: [own], replaced } : undefined;
  },
  Gather: (node, axis, known) => {
    const [data, index] = node.inputs.map((name) => shapeOf(known, name));
    const at = counted(intAttribute(node, 'axis', 0), data.length);
    if (axis < at) return { axes: [axis, undefined] };
    if (axis < at + index.length) return { axes: [undefined, axis - at] };
    return { axes: [axis - index.length + 1, undefined] };
  },
  // One scale for all, as of a table of 8-bit vectors.
  DequantizeLinear: (node, axis, known) =>
    shapeOf(known, node.inputs[1]).every((size) => size === 1) ? { axes: [axis, undefined, undefined] } : undefined,
  Split: (node, axis, known) => {
    const at = counted(intAttribute(node, 'axis', 0), shapeOf(known, node.inputs[0]).length);
    return axis === at ? undefined : { axes: [axis] };
  },
};

/** Operators that only move or repeat what they read: what lies before them is smaller to keep. */
export const movements: ReadonlySet<string> = new Set([
  'Identity',
  'Cast',
  'DequantizeLinear',
  'Reshape',
  'Transpose',
  'Expand',
  'Squeeze',
  'Unsqueeze',
  'Gather',
]);
