import { sizeOf } from '../../tensor/tensor.ts';
import type { RuleContext } from '../context.ts';
import type { Convolution } from '../rules/convolution-input.ts';
import { alongAxes, padded, paddedSizes, unfolded } from '../rules/unfold.ts';
import { spatialAxes } from '../rules/windows.ts';
import { product } from './factors.ts';

/**
 * Whether the moments of windows are cheaper from products of lines (along the first spatial axis): windows overlap
 * there, and the products, one for each line and distance, take less room than the windows would.
 */
export function linesOverlap({ batch, channels, group, kernel, strides, narrow, ...rest }: Convolution): boolean {
  const [high, ...inner] = kernel;
  if (group > 1 || inner.length === 0 || high === 1 || strides[0] > 1) return false;
  const [lines] = paddedSizes({ kernel, strides, narrow, ...rest });
  return lines * channels * sizeOf(inner) <= high * batch * sizeOf(narrow);
}

/**
 * `Σ u uᵀ` and `Σ r u` over all windows u of a convolution whose windows lie at every line. Two kernel lines i ≤ j of a
 * window that starts at line t read the lines t + i and t + j, so that their product `B_{t+i} B_{t+j}ᵀ` depends on t + i
 * and j − i alone: there are as many products as kernel lines for each line of the image, instead of their square, and
 * windows are unfolded along the other axes only. `B_l`: what the windows read of line l, `[channels · taps, N · places]`.
 *
 * @param root r of every row, `[N]`; default 1
 */
export function momentsByLines(c: RuleContext, value: string, conv: Convolution, root: string | undefined) {
  const { batch, channels, kernel, dilations, narrow } = conv;
  const [[high], [gap], [windows]] = [kernel, dilations, narrow];
  const [lines] = paddedSizes(conv);
  const inner = alongAxes(conv, 1);
  const places = sizeOf(inner.narrow);
  const [taps, width] = [sizeOf(inner.kernel), channels * sizeOf(inner.kernel)];
  const axes = spatialAxes(kernel.length);
  const [first, ...others] = axes;
  const source = c.transpose(padded(c, value, conv), [first, 1, 0, ...others]);
  const read = c.reshape(unfolded(c, source, [lines * channels, batch], inner), [lines, width, batch * places]);
  /** Lines `from` … `to` − 1 of something that has a matrix for every line. */
  const between = (of: string, from: number, to: number, count: number) =>
    from === 0 && to === count ? of : c.op('Slice', [of, c.ints([from]), c.ints([to]), c.ints([0])]);
  const distances = Array.from({ length: high }, (_, k) => k * gap);
  const products = distances.map((distance) =>
    product(c, between(read, 0, lines - distance, lines), between(read, distance, lines, lines), false, true),
  );
  const block = (i: number, j: number): string => {
    if (i > j) return c.transpose(block(j, i), [1, 0]);
    const starts = between(products[j - i], i * gap, i * gap + windows, lines - distances[j - i]);
    return c.reduceSum(starts, [0], false);
  };
  const pairs = Array.from({ length: high * high }, (_, k) => block(Math.floor(k / high), k % high));
  const apart = c.reshape(c.op('Concat', pairs, { axis: 0 }), [high, high, channels, taps, channels, taps]);
  const size = channels * high * taps;
  return {
    square: c.reshape(c.transpose(apart, [2, 0, 3, 4, 1, 5]), [size, size]),
    sum: () => {
      const sums = root
        ? c.op('MatMul', [read, c.reshape(c.expand(c.reshape(root, [batch, 1]), [batch, places]), [batch * places, 1])])
        : c.reduceSum(read, [2], true);
      const ofLines = distances.map((from) => c.reduceSum(between(sums, from, from + windows, lines), [0], false));
      const together = c.reshape(c.op('Concat', ofLines, { axis: 0 }), [high, channels, taps]);
      return c.reshape(c.transpose(together, [1, 0, 2]), [size]);
    },
  };
}
