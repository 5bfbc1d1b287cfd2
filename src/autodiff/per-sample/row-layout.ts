import { intAttribute, intsAttribute, type Node, namesRead, operatorKey, stringAttribute } from '../../onnx/graph.ts';
import { operatorsThat } from '../../onnx/operators.ts';
import { toNumbers } from '../../tensor/convert.ts';
import { lookup } from '../../tensor/lookup.ts';
import { sizeOf } from '../../tensor/tensor.ts';
import type { Facts } from '../facts.ts';
import { axisOf } from '../rules/axes.ts';
import { parseEquation } from '../rules/einsum.ts';

/**
 * Where the rows of a batch lie in the values of a graph. A value with rows has the elements
 * `((o·N + n)·rest + r)`: `outer` counts the o, so that 1 means rows first. `mixed`: an operation joined the rows, or
 * it cannot be told. A value that is not in the map is the same for every row.
 */
export interface RowLayouts {
  readonly count: number;
  readonly outer: ReadonlyMap<string, number | 'mixed'>;
}

/** The axis that holds the rows: its size is `lead · N · trail`. */
interface RowAxis {
  readonly axis: number;
  readonly lead: number;
  readonly trail: number;
}

/** The axis of a value that holds its rows; undefined where they lie across axes. */
export function rowAxis(shape: readonly number[], outer: number, count: number): RowAxis | undefined {
  let before = 1;
  for (const [axis, size] of shape.entries()) {
    const after = before * size;
    if (after >= outer * count) {
      const [lead, trail] = [outer / before, after / (outer * count)];
      return Number.isInteger(lead) && Number.isInteger(trail) ? { axis, lead, trail } : undefined;
    }
    before = after;
  }
  return undefined;
}

/** The rows of a node's input: where they lie, and the shapes around. */
interface Carried extends RowAxis {
  readonly index: number;
  readonly shape: readonly number[];
  readonly outer: number;
  readonly output: readonly number[];
  readonly facts: Facts;
}

/** Number of elements in front of a row in the first output, or undefined where the operation joins rows. */
type LayoutRule = (node: Node, from: Carried) => number | undefined;

const at = (output: readonly number[], axis: number, { lead }: RowAxis): number | undefined =>
  axis >= 0 && axis < output.length ? sizeOf(output.slice(0, axis)) * lead : undefined;

/** Rows stay where they are, counted from the last axis, as broadcasting counts. */
const aligned: LayoutRule = (_, from) => {
  const axis = from.output.length - from.shape.length + from.axis;
  return from.output[axis] === from.shape[from.axis] ? at(from.output, axis, from) : undefined;
};

/** Elements stay in their order. */
const inOrder: LayoutRule = (_, { outer }) => outer;

const product: LayoutRule = (node, from) => {
  const [a, b] = [0, 1].map((i) => from.facts.shapes.get(node.inputs[i])?.length ?? 0);
  const fromEnd = from.shape.length - 1 - from.axis;
  if (a < 2 || b < 2) return undefined;
  // The inner axis of either factor is summed.
  return fromEnd === (from.index === 0 ? 0 : 1) ? undefined : at(from.output, from.output.length - 1 - fromEnd, from);
};

const gemm: LayoutRule = (node, from) => {
  if (from.index === 2) return aligned(node, from);
  const turned = intAttribute(node, from.index === 0 ? 'transA' : 'transB', 0) !== 0;
  const isInner = from.axis === (from.index === 0 ? 1 : 0) ? !turned : turned;
  return isInner ? undefined : at(from.output, from.index, from);
};

/** The axes that a reduction removes are counted out; a reduction over rows joins them. */
const reduction: LayoutRule = (node, from) => {
  const rank = from.shape.length;
  const named = intsAttribute(node, 'axes') ?? constantNumbers(node.inputs[1], from.facts);
  const single = node.op.startsWith('Arg') ? [intAttribute(node, 'axis', 0)] : undefined;
  const axes = (single ?? named ?? from.shape.map((_, i) => i)).map((axis) => axisOf(axis, rank));
  if (axes.includes(from.axis)) return undefined;
  const removed = intAttribute(node, 'keepdims', 1) ? 0 : axes.filter((axis) => axis < from.axis).length;
  return at(from.output, from.axis - removed, from);
};

const gather: LayoutRule = (node, from) => {
  const rank = from.facts.shapes.get(node.inputs[0])?.length ?? 0;
  const axis = axisOf(intAttribute(node, 'axis', 0), rank);
  if (from.index === 1) return at(from.output, axis + from.axis, from);
  const indices = from.facts.shapes.get(node.inputs[1])?.length ?? 0;
  if (axis === from.axis) return undefined;
  return at(from.output, from.axis + (axis < from.axis ? indices - 1 : 0), from);
};

const transpose: LayoutRule = (node, from) => {
  const order = intsAttribute(node, 'perm') ?? from.shape.map((_, i) => from.shape.length - 1 - i);
  return at(from.output, order.indexOf(from.axis), from);
};

const oneHot: LayoutRule = (node, from) => {
  const added = axisOf(intAttribute(node, 'axis', -1), from.output.length);
  return at(from.output, from.axis + (added <= from.axis ? 1 : 0), from);
};

const einsum: LayoutRule = (node, from) => {
  const ranks = node.inputs.map((name) => from.facts.shapes.get(name)?.length ?? 0);
  const equation = parseEquation(stringAttribute(node, 'equation', ''), ranks);
  return equation && at(from.output, equation.output.indexOf(equation.operands[from.index][from.axis]), from);
};

/** Operations along one axis keep rows that lie on another one. */
const along =
  (fallback: number): LayoutRule =>
  (node, from) =>
    axisOf(intAttribute(node, 'axis', fallback), from.shape.length) === from.axis ? undefined : aligned(node, from);

/** The same where the axis is an input. */
const alongInput: LayoutRule = (node, from) => {
  const [axis] = constantNumbers(node.inputs[1], from.facts) ?? [];
  return axis === undefined || axisOf(axis, from.shape.length) === from.axis ? undefined : aligned(node, from);
};

const slice: LayoutRule = (node, from) => {
  const starts = constantNumbers(node.inputs[1], from.facts);
  const axes = constantNumbers(node.inputs[3], from.facts) ?? starts?.map((_, i) => i);
  const touched = axes?.some((axis) => axisOf(axis, from.shape.length) === from.axis) ?? true;
  return touched ? undefined : aligned(node, from);
};

const alongAll: LayoutRule = (node, from) =>
  from.axis >= axisOf(intAttribute(node, 'axis', -1), from.shape.length) ? undefined : aligned(node, from);

const channelsSecond: LayoutRule = (node, from) => {
  const statistics = node.op === 'BatchNormalization' && intAttribute(node, 'training_mode', 0) !== 0;
  return from.index !== 0 || from.axis !== 0 || statistics ? undefined : at(from.output, 0, from);
};

const rules: Readonly<Record<string, LayoutRule>> = {
  ...Object.fromEntries(['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Identity'].map((op) => [op, inOrder])),
  ...Object.fromEntries(['MatMul', 'com.microsoft.FusedMatMul'].map((op) => [op, product])),
  ...Object.fromEntries(
    [
      ...['L1', 'L2', 'LogSum', 'LogSumExp', 'Max', 'Mean', 'Min', 'Prod', 'Sum', 'SumSquare'].map(
        (op) => `Reduce${op}`,
      ),
      ...['ArgMax', 'ArgMin'],
    ].map((op) => [op, reduction]),
  ),
  ...Object.fromEntries(
    [
      ...['Conv', 'ConvTranspose', 'BatchNormalization', 'InstanceNormalization', 'LRN', 'AveragePool', 'MaxPool'],
      ...['LpPool', 'GlobalAveragePool', 'GlobalMaxPool', 'GlobalLpPool', 'DepthToSpace', 'SpaceToDepth', 'Resize'],
    ].map((op) => [op, channelsSecond]),
  ),
  ...Object.fromEntries(['Softmax', 'LogSoftmax', 'Hardmax', 'LpNormalization', 'TopK'].map((op) => [op, along(-1)])),
  ...Object.fromEntries(['Concat', 'Split', 'GatherElements', 'ScatterElements'].map((op) => [op, along(0)])),
  LayerNormalization: alongAll,
  CumSum: alongInput,
  Slice: slice,
  Gemm: gemm,
  Gather: gather,
  Transpose: transpose,
  OneHot: oneHot,
  Einsum: einsum,
};

/** Operators that work on the elements at one place, for any number of axes: rows stay where they are. */
const alignedOperators: ReadonlySet<string> = new Set([
  ...operatorsThat(
    ({ elementwise, broadcasts, converts }) => elementwise === true || broadcasts === true || converts === true,
  ),
  ...['Pad', 'Tile', 'Expand', 'Trilu', 'Dropout', 'DequantizeLinear', 'QuantizeLinear'],
]);

function constantNumbers(name: string | undefined, facts: Facts): number[] | undefined {
  const constant = name ? facts.constants.get(name) : undefined;
  return constant && toNumbers(constant);
}

/**
 * Follows the rows of a batch from the inputs that hold them through a graph.
 * @param inputs graph inputs whose first axis holds the rows
 */
export function followRows(nodes: readonly Node[], facts: Facts, inputs: Iterable<string>, count: number): RowLayouts {
  const outer = new Map<string, number | 'mixed'>();
  for (const name of inputs) outer.set(name, 1);
  for (const node of nodes) {
    if (operatorKey(node) === 'Shape' || operatorKey(node) === 'Size') continue;
    const carrying = [...namesRead(node)].filter((name) => outer.has(name));
    if (carrying.length === 0) continue;
    node.outputs.forEach((name, i) => {
      if (name) outer.set(name, layoutOf(node, i, { count, outer }, facts));
    });
  }
  return { count, outer };
}

function layoutOf(node: Node, output: number, { count, outer }: RowLayouts, facts: Facts): number | 'mixed' {
  // With one row there is no other that it could be joined with.
  if (count === 1) return 1;
  const shape = facts.shapes.get(node.outputs[output]);
  const rule = lookup(rules, operatorKey(node)) ?? (alignedOperators.has(operatorKey(node)) ? aligned : undefined);
  if (!shape || !rule) return 'mixed';
  let found: number | undefined;
  for (const [index, name] of node.inputs.entries()) {
    const from = outer.get(name);
    if (from === undefined) continue;
    const [own, place] = [facts.shapes.get(name), from];
    const axis = own && place !== 'mixed' ? rowAxis(own, place, count) : undefined;
    const isMoved = rule === inOrder && place !== 'mixed';
    const carried =
      axis && own && place !== 'mixed' ? { ...axis, index, shape: own, outer: place, output: shape, facts } : undefined;
    const to = isMoved ? place : carried && rule(node, carried);
    if (to === undefined || (found !== undefined && found !== to)) return 'mixed';
    found = to;
  }
  return found ?? 'mixed';
}
