import { intAttribute, intsAttribute } from '../../onnx/graph.ts';
import { float32, sizeOf, stridesOf, tensor } from '../../tensor/tensor.ts';
import type { RuleContext, VjpRule } from '../context.ts';
import { cropped, planesOf, repeatedOverTiles, uncropped } from './tiles.ts';
import { isTiling, type Windows, windowsOf } from './windows.ts';

/** Above so many elements of a window the runtime's own search for the maxima is as fast. */
const largestCompared = 9;

/** The gradient goes to the first maximum of every window. */
export const maxPool: VjpRule = (context, [g]) => {
  if (!g) return [];
  const shape = context.inputShape(0);
  const type = context.gradientType(context.input(0));
  const kernel = intsAttribute(context.node, 'kernel_shape') ?? [];
  const windows = windowsOf(context.node, kernel, shape.slice(2), context.outputShape().slice(2));
  if (type === 'float32' && isTiling(windows)) {
    const isFloat = context.type(context.input(0)) === 'float32';
    const isSmall = kernel.length <= 2 && sizeOf(kernel) <= largestCompared;
    if (isFloat && isSmall) return [toEqualElements(context, g, windows)];
    // No two windows share a position, so that nothing has to be added up: twice as fast.
    const { strides } = windows;
    return [context.op('MaxUnpool', [g, maxima(context), context.ints(shape)], { kernel_shape: kernel, strides })];
  }
  const zeros = context.op('ConstantOfShape', [context.ints([sizeOf(shape)])], { value: tensor(type, [1]) });
  const scattered = context.op(
    'ScatterElements',
    [zeros, context.reshape(maxima(context), [-1]), context.reshape(g, [-1])],
    { axis: 0, reduction: 'add' },
  );
  return [context.reshape(scattered, shape)];
};

/**
 * Elements that equal the maximum of their window, and of equal ones the first: those whose place, counted down from the
 * first, is the largest. Comparisons of whole values are 2.3 times as fast as the positions of the maxima, which the
 * runtime finds element by element (1.5 against 3.6 ms for 64 × 16 channels of 28²), and leave the forward pass its
 * fast pooling. Every channel is a plane of its own: the runtime then does not rearrange channels for it.
 */
function toEqualElements(context: RuleContext, gradient: string, windows: Windows): string {
  const [x, y] = [context.input(0), context.output()];
  const [batch, channels] = context.inputShape(0);
  const { covered, planes, kernel } = planesOf(windows, batch * channels);
  const whole = context.reshape(cropped(context, x, windows), covered);
  const isMaximum = context.indicator(context.op('Equal', [whole, repeatedOverTiles(context, y, planes, kernel)]), x);
  const places = context.mul(isMaximum, placesFromLast(context, covered.slice(2), kernel));
  const largest = context.op('MaxPool', [places], { kernel_shape: kernel, strides: kernel });
  const isFirst = context.op('Equal', [places, repeatedOverTiles(context, largest, planes, kernel)]);
  const spread = context.mul(repeatedOverTiles(context, gradient, planes, kernel), context.indicator(isFirst, x));
  return uncropped(context, spread, [batch, channels], windows);
}

/** In every tile the numbers from that of its elements down to 1. */
function placesFromLast(context: RuleContext, [height, width]: readonly number[], [high, wide]: readonly number[]) {
  const places = new Float32Array(height * width);
  for (let i = 0; i < height; i++)
    for (let j = 0; j < width; j++) places[i * width + j] = high * wide - ((i % high) * wide + (j % wide));
  return context.constantTensor(float32([1, 1, height, width], places));
}

/** Flat positions of the maxima in the input, row-major whatever the node's storage order says. */
function maxima(context: RuleContext): string {
  const indices = context.requestOutput(1, context.outputShape(), 'int64');
  const spatial = context.inputShape(0).slice(2);
  if (intAttribute(context.node, 'storage_order', 0) === 0 || spatial.length < 2) return indices;
  // Column-major: the first spatial axis is the fastest. position = plane·size + Σ_i i_i·Π_{j<i} size_j
  const whole = (value: number) => context.scalar(value, indices);
  const size = sizeOf(spatial);
  let rest = context.op('Mod', [indices, whole(size)]);
  let position = context.sub(indices, rest);
  for (const [axis, stride] of stridesOf(spatial).entries()) {
    const place = context.op('Mod', [rest, whole(spatial[axis])]);
    position = context.add(position, context.mul(place, whole(stride)));
    rest = context.div(rest, whole(spatial[axis]));
  }
  return position;
}
