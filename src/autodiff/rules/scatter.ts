import { sizeOf } from '../../tensor/tensor.ts';
import type { RuleContext } from '../context.ts';

// Sums into repeated positions are ScatterElements, never ScatterND: ONNX Runtime runs the latter's additions in parallel
// without locks, so that repeated indices lose some of them (microsoft/onnxruntime issue 18048; measured on 1.30.0).

/** Zeros of `shape` with the elements of `g` added at `positions`, which count through the whole shape in row-major order. */
export function scatterFlat(c: RuleContext, g: string, positions: string, shape: readonly number[]): string {
  const zeros = c.zeros([sizeOf(shape)], c.input(0));
  const added = c.op('ScatterElements', [zeros, c.reshape(positions, [-1]), c.reshape(g, [-1])], {
    axis: 0,
    reduction: 'add',
  });
  return c.reshape(added, shape);
}

/**
 * Zeros of `shape` with slices of `g` added along one axis: the gradient of a gather.
 *
 * @param shape shape of what was gathered from, seen as [before, size, after]
 * @param indices int32 or int64, [before or 1, count, 1]; negative ones count from the end
 * @param g gradient as [before, count, after]
 */
export function scatterAlong(
  c: RuleContext,
  g: string,
  indices: string,
  shape: readonly [before: number, size: number, after: number],
  count: number,
): string {
  const zeros = c.zeros(shape, c.input(0));
  const everywhere = c.expand(indices, [shape[0], count, shape[2]]);
  return c.op('ScatterElements', [zeros, everywhere, g], { axis: 1, reduction: 'add' });
}
