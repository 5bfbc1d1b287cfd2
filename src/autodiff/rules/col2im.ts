import { intsAttribute } from '../../onnx/graph.ts';
import { int64, sizeOf } from '../../tensor/tensor.ts';
import type { VjpRule } from '../context.ts';
import { padWithZeros } from './placement.ts';

/**
 * Col2Im adds blocks into an image; its gradient reads the blocks out of the gradient image again (im2col).
 * Input [batch, channels · block, places], output [batch, channels, …image].
 */
export const col2ImRule: VjpRule = (c, [g]) => {
  if (!g) return [];
  const [batch, channels, ...image] = c.outputShape();
  const block = c.numbers(2, 'block shape') ?? [];
  const ones = image.map(() => 1);
  const strides = intsAttribute(c.node, 'strides') ?? ones;
  const dilations = intsAttribute(c.node, 'dilations') ?? ones;
  const pads = intsAttribute(c.node, 'pads') ?? [...image, ...image].map(() => 0);
  const [before, after] = [pads.slice(0, image.length), pads.slice(image.length)];
  const padded = image.map((size, i) => size + before[i] + after[i]);
  const places = padded.map((size, i) => Math.floor((size - (dilations[i] * (block[i] - 1) + 1)) / strides[i]) + 1);

  // Position in the padded image of every element of every block: row-major over (element of block, place).
  const positions: number[] = [];
  for (const element of indicesOf(block)) {
    for (const place of indicesOf(places)) {
      positions.push(
        padded.reduce((flat, size, i) => flat * size + element[i] * dilations[i] + place[i] * strides[i], 0),
      );
    }
  }
  const around = padWithZeros(c, g, [0, 0, ...before], [0, 0, ...after]);
  const rows = c.reshape(around, [batch, channels, sizeOf(padded)]);
  const indices = c.constantTensor(int64([positions.length], positions));
  return [c.reshape(c.op('Gather', [rows, indices], { axis: 2 }), c.inputShape(0))];
};

/** All index tuples of a shape, in row-major order. */
function* indicesOf(shape: readonly number[]): Generator<number[]> {
  const size = sizeOf(shape);
  for (let flat = 0; flat < size; flat++) {
    const index = new Array<number>(shape.length);
    for (let i = shape.length - 1, rest = flat; i >= 0; i--) {
      index[i] = rest % shape[i];
      rest = Math.floor(rest / shape[i]);
    }
    yield index;
  }
}
