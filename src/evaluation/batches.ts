import { type Points, repeatRows } from '../attribution/points.ts';
import type { Prepared } from '../attribution/prepare.ts';
import { concatRows, rows } from '../tensor/tensor.ts';

/** Few sizes, because each opens a session of its own; the byte budget may split a batch further. */
const batchSizes = [1, 2, 4, 8, 16, 32, 64];

/** How much of a batch may be padding before it is split in two. */
const mostPadding = 0.25;

/** Sizes of the batches for a number of points; together at least as many. */
export function batchesFor(count: number): number[] {
  const sizes: number[] = [];
  for (let left = count; left > 0; ) {
    const above = batchSizes.find((size) => size >= left);
    const fits = above !== undefined && (above - left) / above <= mostPadding;
    const size = fits ? above : (batchSizes.findLast((candidate) => candidate <= left) as number);
    sizes.push(size);
    left -= size;
  }
  return sizes;
}

/** The target at each of the points, in batches of few different sizes; the last one is filled up with its last point. */
export async function evaluateInBatches(prepared: Prepared, points: Points): Promise<Float64Array> {
  const results = new Float64Array(points.count);
  let start = 0;
  for (const size of batchesFor(points.count)) {
    const held = Math.min(size, points.count - start);
    const { target } = await prepared.evaluate(batchOf(points, start, size));
    results.set(target.subarray(0, held), start);
    start += held;
  }
  return results;
}

/** Points `from` to `from + size`; past the end, the last one again. */
function batchOf(points: Points, from: number, size: number): Points {
  return {
    cut: points.cut,
    count: size,
    at(start, end) {
      const first = Math.min(from + start, points.count - 1);
      const last = Math.max(first + 1, Math.min(from + end, points.count));
      const missing = end - start - (last - first);
      const held = points.at(first, last);
      if (missing === 0) return held;
      return new Map(
        [...held].map(([name, tensor]) => {
          const height = tensor.shape[0] / (last - first);
          return [
            name,
            concatRows([tensor, repeatRows(rows(tensor, tensor.shape[0] - height, tensor.shape[0]), missing)]),
          ];
        }),
      );
    },
  };
}
