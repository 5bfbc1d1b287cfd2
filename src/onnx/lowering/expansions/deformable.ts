import { filled } from '../../../tensor/filled.ts';
import { float32 } from '../../../tensor/tensor.ts';
import { intAttribute, intsAttribute } from '../../graph.ts';
import { type Expansion, expressions, inputOf } from './expression.ts';

/** No kernel of a real model comes near; the sizes in a file may be anything. */
const mostTaps = 4096;

/**
 * Deformable convolution of N×C×H×W: every tap of the kernel reads the input, by bilinear interpolation with zeros around
 * it, at its own position plus an offset for each output position, times a mask; what was read is then multiplied by the
 * weights as in any convolution.
 *
 * Source: Zhu et al., "Deformable ConvNets v2", 2018, arXiv:1811.11168.
 */
const deformConv: Expansion = (node, to) => {
  const { add, cast, concat, dimension, div, gather, matmul, mul, range, reshape, sub, unsqueeze } = expressions(to);
  const [x, weight, offset, bias = ''] = node.inputs;
  const mask = inputOf(node, 4);
  const kernel = intsAttribute(node, 'kernel_shape') ?? to.initializerOf(weight)?.shape.slice(2);
  if (kernel?.length !== 2 || kernel[0] * kernel[1] > mostTaps)
    return 'its kernel is not known to have two axes and a bounded size';
  const [strides = [1, 1], dilations = [1, 1], pads = [0, 0, 0, 0]] = ['strides', 'dilations', 'pads'].map((name) =>
    intsAttribute(node, name),
  );
  const groups = intAttribute(node, 'group', 1);
  const offsetGroups = intAttribute(node, 'offset_group', 1);
  const taps = kernel[0] * kernel[1];
  const one = (value: number) => to.ints([value]);
  const [batch, height, width] = [0, 2, 3].map((axis) => dimension(x, axis));
  const [rows, columns] = [2, 3].map((axis) => dimension(offset, axis));
  const all = to.op('Mul', [batch, one(offsetGroups)]);
  const shaped = (value: string, ...sizes: string[]) => to.op('Reshape', [value, concat(sizes, 0)]);
  const number = (value: number) => to.scalar(value);

  // Positions [batch · offset groups, taps, rows, columns] along one axis, in the units of GridSample.
  const offsets = shaped(offset, all, one(taps), one(2), rows, columns);
  const positions = (axis: number, count: string, size: string) => {
    const ofTap = filled(new Float32Array(taps), (t) => {
      const step = axis === 0 ? Math.floor(t / kernel[1]) : t % kernel[1];
      return step * dilations[axis] - pads[axis];
    });
    const starts = mul(cast(range(count), 'float32'), number(strides[axis]));
    const base = add(to.constant(float32([taps, 1, 1], ofTap)), axis === 0 ? unsqueeze(starts, [1]) : starts);
    const at = add(gather(offsets, to.scalar(axis, 'int64'), 2), base);
    // Without aligned corners, pixel p of n lies at (2p + 1)/n − 1.
    return sub(div(add(mul(at, number(2)), number(1)), cast(size, 'float32')), number(1));
  };
  const [down, right] = [positions(0, rows, height), positions(1, columns, width)];
  const grid = shaped(concat([unsqueeze(right, [-1]), unsqueeze(down, [-1])], -1), all, one(-1), columns, one(2));
  const parts = shaped(x, all, one(-1), height, width);
  const read = to.op('GridSample', [parts, grid], { mode: 'linear', padding_mode: 'zeros', align_corners: 0 });
  const masked = mask ? mul(read, shaped(mask, all, one(1), one(-1), columns)) : read;

  // [batch, groups, channels of a group · taps, rows · columns], by the weights of each group.
  const area = to.op('Mul', [rows, columns]);
  const patches = shaped(masked, batch, one(groups), one(-1), area);
  const filters = shaped(weight, one(groups), to.op('Div', [dimension(weight, 0), one(groups)]), one(-1));
  const [output] = node.outputs;
  const product = to.op(
    'Reshape',
    [matmul(filters, patches), concat([batch, dimension(weight, 0), rows, columns], 0)],
    {},
    bias ? undefined : output,
  );
  if (bias) add(product, reshape(bias, [-1, 1, 1]), output);
  return undefined;
};

export const deformableExpansions: Readonly<Record<string, Expansion>> = { DeformConv: deformConv };
