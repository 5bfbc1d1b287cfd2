import { intAttribute, intsAttribute, stringAttribute } from '../../onnx/graph.ts';
import { sizeOf } from '../../tensor/tensor.ts';
import type { RuleContext, VjpRule } from '../context.ts';
import { col2ImRule } from './col2im.ts';
import { type RuleTable, smooth } from './entry.ts';
import { padAxis, part } from './placement.ts';
import { sliceRule } from './slice.ts';

/** The elements stay in their order: the gradient takes the input's shape again. */
const reshaping: VjpRule = (c, [g]) => [g && c.reshapeTo(g, c.outputShape(), c.inputShape(0))];

const transposeRule: VjpRule = (c, [g]) => {
  if (!g) return [];
  const rank = c.inputShape(0).length;
  const permutation = intsAttribute(c.node, 'perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
  const inverse = new Array<number>(rank);
  permutation.forEach((from, to) => {
    inverse[from] = to;
  });
  return [c.transpose(g, inverse)];
};

const expandRule: VjpRule = (c, [g]) => [g && c.unbroadcast(g, c.outputShape(), c.inputShape(0))];

/** Sums over the copies: an axis of n·d elements is seen as n copies of d. */
const tileRule: VjpRule = (c, [g]) => {
  if (!g) return [];
  const from = c.outputShape();
  const to = c.inputShape(0);
  if (sizeOf(from) === 0) return [c.zeros(to, c.input(0))];
  const copies: number[] = [];
  const split: number[] = [];
  to.forEach((size, axis) => {
    if (from[axis] !== size) copies.push(split.push(from[axis] / size) - 1);
    split.push(size);
  });
  return [c.reduceSum(c.reshapeTo(g, from, split), copies, false)];
};

function axisOf(c: RuleContext, rank: number): number {
  const axis = intAttribute(c.node, 'axis', 0);
  return axis < 0 ? axis + rank : axis;
}

/** Every input gets the part of the gradient that lies where the input was put. */
const concatRule: VjpRule = (c, [g]) => {
  if (!g) return [];
  const axis = axisOf(c, c.outputShape().length);
  const sizes = c.node.inputs.map((_, i) => c.inputShape(i)[axis]);
  if (sizes.length === 1) return [g];
  if (sizes.every((_, i) => c.needs(i))) return c.ops('Split', [g, c.ints(sizes)], { axis }, sizes.length);
  let end = 0;
  return sizes.map((size, i) => {
    end += size;
    return c.needs(i) ? part(c, g, axis, end - size, end) : undefined;
  });
};

/** The gradients side by side; outputs that nothing flows back from count as zeros. */
const splitRule: VjpRule = (c, gradients) => {
  const shape = c.inputShape(0);
  const axis = axisOf(c, shape.length);
  const sizes = splitSizes(c, shape[axis]);
  const given = gradients.flatMap((g, i) => (g ? [i] : []));
  if (given.length === 0) return [];
  if (given.length === 1) {
    const [only] = given;
    const before = sizes.slice(0, only).reduce((sum, size) => sum + size, 0);
    return [padAxis(c, gradients[only] as string, shape.length, axis, before, shape[axis] - before - sizes[only])];
  }
  const parts = sizes.map(
    (size, i) =>
      gradients[i] ??
      c.zeros(
        shape.map((other, k) => (k === axis ? size : other)),
        c.input(0),
      ),
  );
  return [c.op('Concat', parts, { axis })];
};

/** Sizes of all outputs, those left out included. The last part is the smaller one where the axis divides unevenly. */
function splitSizes(c: RuleContext, size: number): readonly number[] {
  const named = c.numbers(1, 'sizes') ?? intsAttribute(c.node, 'split');
  if (named) return named;
  const count = intAttribute(c.node, 'num_outputs', c.node.outputs.length);
  const chunk = Math.ceil(size / count);
  return Array.from({ length: count }, (_, i) => Math.max(0, Math.min(chunk, size - i * chunk)));
}

const depthToSpaceRule: VjpRule = (c, [g]) => {
  if (!g) return [];
  const blocksize = intAttribute(c.node, 'blocksize', 1);
  if (stringAttribute(c.node, 'mode', 'DCR') === 'DCR') return [c.op('SpaceToDepth', [g], { blocksize })];
  const [batch, channels, height, width] = c.inputShape(0);
  const blocks = [batch, channels / blocksize ** 2, height, blocksize, width, blocksize];
  return [c.reshape(c.transpose(c.reshape(g, blocks), [0, 1, 3, 5, 2, 4]), c.inputShape(0))];
};

const spaceToDepthRule: VjpRule = (c, [g]) => [
  g && c.op('DepthToSpace', [g], { blocksize: intAttribute(c.node, 'blocksize', 1), mode: 'DCR' }),
];

/** Linear and its own adjoint: the operator with the same parameters, applied to the gradient. */
const selfAdjoint: VjpRule = (c, [g]) => {
  if (!g) return [];
  const attributes = Object.fromEntries(
    Object.entries(c.node.attributes).flatMap(([name, { kind, value }]) =>
      kind === 'int' || kind === 'string' || kind === 'ints' ? [[name, value]] : [],
    ),
  );
  return [c.op(c.node.op, [g, ...c.node.inputs.slice(1)], attributes)];
};

const dropoutRule: VjpRule = (c, [g]) => {
  if (!g) return [];
  if (c.numbers(2, 'training mode')?.[0]) {
    throw c.refuse('it drops values at random (training mode)', 'export the model in evaluation mode');
  }
  return [g];
};

/** Cropping in the middle and padding around the middle are each other's adjoint. */
const centerCropPadRule: VjpRule = (c, [g]) => {
  if (!g) return [];
  const shape = c.inputShape(0);
  const axes = intsAttribute(c.node, 'axes');
  const sizes = (axes ?? shape.map((_, i) => i)).map((axis) => shape.at(axis) as number);
  return [c.op('CenterCropPad', [g, c.ints(sizes)], { axes })];
};

/** Operators that move, copy or leave out elements. */
export const movement = {
  Reshape: smooth(reshaping),
  Flatten: smooth(reshaping),
  Squeeze: smooth(reshaping),
  Unsqueeze: smooth(reshaping),
  Transpose: smooth(transposeRule),
  Expand: smooth(expandRule),
  Tile: smooth(tileRule),
  Concat: smooth(concatRule),
  Split: smooth(splitRule),
  Slice: smooth(sliceRule),
  DepthToSpace: smooth(depthToSpaceRule),
  SpaceToDepth: smooth(spaceToDepthRule),
  Trilu: smooth(selfAdjoint),
  // Reversing a part of a sequence twice gives it back.
  ReverseSequence: smooth(selfAdjoint),
  Dropout: smooth(dropoutRule),
  CenterCropPad: smooth(centerCropPadRule),
  Col2Im: smooth(col2ImRule),
} satisfies RuleTable;
