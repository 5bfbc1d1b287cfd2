import { fromNumbers } from '../../../tensor/convert.ts';
import { lookup } from '../../../tensor/lookup.ts';
import { type DataType, float32 } from '../../../tensor/tensor.ts';
import { type Attribute, floatAttribute, intAttribute, intsAttribute, type Node } from '../../graph.ts';
import { codeOfDataType } from '../../types.ts';
import { type Rewriter, type Upgrade, withAttributes } from '../rewrite.ts';

/** Appends a node with attributes removed and inputs added. */
export function withInputs(node: Node, inputs: readonly string[], removed: readonly string[], to: Rewriter): true {
  const trimmed = [...inputs];
  while (trimmed.at(-1) === '') trimmed.pop();
  to.append({ ...withAttributes(node, {}, removed), inputs: trimmed });
  return true;
}

/** A scalar of the type of another value. */
export const scalarLike = (value: number, like: string, to: Rewriter): string => constantLike([], [value], like, to);

/** A constant of the type of another value; where that type is not known, one that is cast when it runs. */
export function constantLike(shape: readonly number[], values: readonly number[], like: string, to: Rewriter): string {
  const type: DataType | undefined = to.typeOf(like);
  if (type !== undefined && type !== 'bfloat16') return to.constant(fromNumbers(type, shape, values));
  const constant = to.constant(float32(shape, values));
  return type ? to.op('Cast', [constant], { to: codeOfDataType[type] }) : to.op('CastLike', [constant, like]);
}

/** Squeeze, Unsqueeze and ReduceSum since 13, the other reductions since 18: `axes` is an input. */
export const axesInput: Upgrade = (node, to) => {
  const axes = intsAttribute(node, 'axes');
  return axes !== undefined && withInputs(node, [node.inputs[0], to.ints(axes)], ['axes'], to);
};

/** Since 13, `split` is an input; since 18, a Split without it says how many outputs it has. */
export const split: Upgrade = (node, to) => {
  const sizes = intsAttribute(node, 'split');
  if (sizes) return withInputs(node, [node.inputs[0], to.ints(sizes)], ['split'], to);
  if (node.inputs[1]) return false;
  to.append(withAttributes(node, { num_outputs: node.outputs.length }));
  return true;
};

/** Since 10, `starts`, `ends` and `axes` are inputs. */
export const slice: Upgrade = (node, to) => {
  const [starts, ends, axes] = ['starts', 'ends', 'axes'].map((name) => intsAttribute(node, name));
  const inputs = [node.inputs[0], to.ints(starts ?? []), to.ints(ends ?? []), axes ? to.ints(axes) : ''];
  return withInputs(node, inputs, ['starts', 'ends', 'axes'], to);
};

/** Since 11, `pads` and the constant `value` are inputs. */
export const pad: Upgrade = (node, to) => {
  const value = floatAttribute(node, 'value', 0);
  const pads = to.ints(intsAttribute(node, 'pads') ?? []);
  return withInputs(
    node,
    [node.inputs[0], pads, value ? scalarLike(value, node.inputs[0], to) : ''],
    ['pads', 'value'],
    to,
  );
};

/** Since 11, `min` and `max` are inputs; without one there is no limit on that side. */
export const clip: Upgrade = (node, to) => {
  const limits = ['min', 'max'].map((name) => {
    const limit: Attribute | undefined = node.attributes[name];
    return limit?.kind === 'float' ? scalarLike(limit.value, node.inputs[0], to) : '';
  });
  return withInputs(node, [node.inputs[0], ...limits], ['min', 'max'], to);
};

/** Since 10, `K` is an input. */
export const topK: Upgrade = (node, to) =>
  withInputs(node, [node.inputs[0], to.ints([intAttribute(node, 'k', 1)])], ['k'], to);

/** Since 20, `axis` is an input, and its default is -2 where it was 1. */
export const dft: Upgrade = (node, to) => {
  const axis = fromNumbers('int64', [], [intAttribute(node, 'axis', 1)]);
  return withInputs(node, [node.inputs[0], node.inputs[1] ?? '', to.constant(axis)], ['axis'], to);
};

/**
 * Since 12, `ratio` is an input that counts in training only; since 10, the mask is boolean where it had the type of
 * the data.
 */
export const dropout: Upgrade = (node, to, from) => {
  const [data] = node.inputs;
  const [output, mask = ''] = node.outputs;
  if (!mask || !to.isRead(mask) || from >= 10) {
    to.append({ ...withAttributes(node, {}, ['ratio', 'is_test']), inputs: [data] });
    return true;
  }
  const [, kept] = to.ops('Dropout', [data], {}, [output, to.fresh('mask')]);
  to.op('CastLike', [kept, data], {}, mask);
  return true;
};

/** Since 16, half-pixel coordinates are the default; before, there were only whole ones. */
export const roiAlign: Upgrade = (node, to) => {
  to.append(withAttributes(node, { coordinate_transformation_mode: 'output_half_pixel' }));
  return true;
};

/** Since 20, the modes are called as in Resize. */
export const gridSample: Upgrade = (node, to) => {
  const mode = node.attributes.mode;
  const names: Readonly<Record<string, string>> = { bilinear: 'linear', bicubic: 'cubic' };
  if (mode?.kind !== 'string' || lookup(names, mode.value) === undefined) return false;
  to.append(withAttributes(node, { mode: names[mode.value] }));
  return true;
};

/** Since 11, Scatter is called ScatterElements. */
export const scatter: Upgrade = (node, to) => {
  to.append({ ...node, op: 'ScatterElements' });
  return true;
};

/** A float32 constant, e.g. the `scales` of a resize. */
export const floats = (values: readonly number[], to: Rewriter) => to.constant(float32([values.length], values));
