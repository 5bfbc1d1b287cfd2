import { describeNode, floatAttribute, intAttribute, stringAttribute } from '../../onnx/graph.ts';
import { codeOfDataType } from '../../onnx/types.ts';
import { fromNumbers } from '../../tensor/convert.ts';
import { int64 } from '../../tensor/tensor.ts';
import type { RuleContext, VjpRule } from '../context.ts';
import { kinked, type RuleTable } from './entry.ts';

/** Samples of every region along one axis: two elements each, `[regions, 2·samples]`. */
interface Samples {
  readonly index: string;
  readonly weight: string;
}

/** Where the samples of RoiAlign lie along an axis of `size` elements, and how they weigh the two elements around them. */
function samplesOf(context: RuleContext, axis: 0 | 1, size: number, bins: number, perBin: number): Samples {
  const rois = context.input(1);
  const [regions] = context.inputShape(1);
  const constant = (value: number) => context.scalar(value, rois);
  const isHalfPixel = stringAttribute(context.node, 'coordinate_transformation_mode', 'half_pixel') === 'half_pixel';
  const scale = floatAttribute(context.node, 'spatial_scale', 1);
  // A region is x1, y1, x2, y2.
  const corner = (column: number) => {
    const value = context.scale(context.op('Gather', [rois, context.ints([column])], { axis: 1 }), scale, rois);
    return isHalfPixel ? context.sub(value, constant(0.5)) : value;
  };
  const start = corner(axis === 0 ? 1 : 0);
  let length = context.sub(corner(axis === 0 ? 3 : 2), start);
  if (!isHalfPixel) length = context.op('Max', [length, constant(1)]);
  const fractions = Array.from({ length: bins * perBin }, (_, i) => (i + 0.5) / (bins * perBin));
  const row = context.constantTensor(fromNumbers(context.type(rois), [1, bins * perBin], fractions));
  const position = context.add(start, context.mul(length, row));
  // Up to one element beyond the border the border's value holds; further out the sample is zero.
  const isInside = context.op('And', [
    context.op('GreaterOrEqual', [position, constant(-1)]),
    context.op('LessOrEqual', [position, constant(size)]),
  ]);
  const clipped = context.op('Clip', [position, constant(0), constant(size - 1)]);
  const low = context.op('Floor', [clipped]);
  const high = context.op('Clip', [context.add(low, constant(1)), constant(0), constant(size - 1)]);
  const t = context.sub(clipped, low);
  const mask = context.indicator(isInside, rois);
  const pair = (first: string, second: string) => {
    const apart = [regions, bins * perBin, 1];
    const joined = context.op('Concat', [context.reshape(first, apart), context.reshape(second, apart)], { axis: 2 });
    return context.reshape(joined, [regions, bins * perBin * 2]);
  };
  return {
    index: context.op('Cast', [pair(low, high)], { to: codeOfDataType.int64 }),
    weight: pair(context.mul(context.sub(constant(1), t), mask), context.mul(t, mask)),
  };
}

/**
 * Every bin of a region is the mean (or the largest) of its bilinear samples: its gradient goes to the elements that
 * the samples read. The regions themselves are held fixed, as in PyTorch.
 */
const roiAlign: VjpRule = (context, [g]) => {
  if (!g) return [];
  if (context.needs(1))
    context.note(
      'zero-gradient',
      `${describeNode(context.node)} holds its regions fixed: no gradient flows to their corners`,
    );
  if (!context.needs(0)) return [];
  const perBin = intAttribute(context.node, 'sampling_ratio', 0);
  if (perBin <= 0) {
    throw context.refuse(
      'the number of samples in a bin depends on the size of the region (sampling_ratio = 0)',
      'export the model with a positive sampling_ratio, e.g. 2',
    );
  }
  const x = context.input(0);
  const [batch, channels, height, width] = context.inputShape(0);
  const [regions, , rows, columns] = context.outputShape();
  const vertical = samplesOf(context, 0, height, rows, perBin);
  const horizontal = samplesOf(context, 1, width, columns, perBin);
  const [readRows, readColumns] = [rows * perBin * 2, columns * perBin * 2];
  const asColumn = (value: string) => context.reshape(value, [regions, readRows, 1]);
  const asRow = (value: string) => context.reshape(value, [regions, 1, readColumns]);
  const whole = (value: number) => context.constantTensor(int64([], [value]));

  const image = context.op('Cast', [context.input(2)], { to: codeOfDataType.int64 });
  const offset = context.mul(context.reshape(image, [regions, 1, 1]), whole(height * width));
  const rowOffset = context.mul(asColumn(vertical.index), whole(width));
  const index = context.add(context.add(offset, rowOffset), asRow(horizontal.index));
  const count = regions * readRows * readColumns;
  const spread = context.expand(context.reshape(index, [1, count]), [channels, count]);
  const weight = context.mul(asColumn(vertical.weight), asRow(horizontal.weight));

  // [channels, regions, rows, reads per bin, columns, reads per bin]
  const binned = [channels, regions, rows, 2 * perBin, columns, 2 * perBin];
  const weights = context.reshape(weight, [1, ...binned.slice(1)]);
  let gradient = context.reshape(context.transpose(g, [1, 0, 2, 3]), [channels, regions, rows, 1, columns, 1]);
  if (stringAttribute(context.node, 'mode', 'avg') === 'max') {
    const flat = context.reshape(context.transpose(x, [1, 0, 2, 3]), [channels, batch * height * width]);
    const read = context.reshape(context.op('GatherElements', [flat, spread], { axis: 1 }), binned);
    const weighted = context.mul(read, weights);
    const largest = context.op('ReduceMax', [weighted, context.ints([3, 5])], { keepdims: 1 });
    const mask = context.indicator(context.op('Equal', [weighted, largest]), x);
    gradient = context.mul(mask, context.div(gradient, context.reduceSum(mask, [3, 5], true)));
  } else gradient = context.scale(gradient, 1 / perBin ** 2, x);
  const updates = context.reshape(context.mul(gradient, weights), [channels, count]);
  const zeros = context.zeros([channels, batch * height * width], x);
  const added = context.op('ScatterElements', [zeros, spread, updates], { axis: 1, reduction: 'add' });
  return [context.transpose(context.reshape(added, [channels, batch, height, width]), [1, 0, 2, 3])];
};

/** Pooling over regions of interest. */
export const regions = {
  // max: the largest weighted element of a bin takes the gradient; equal ones share it.
  RoiAlign: kinked(roiAlign),
} satisfies RuleTable;
