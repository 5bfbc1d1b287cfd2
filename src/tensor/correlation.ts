import { filled } from './filled.ts';
/** The arithmetic mean. */
export function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}

/** Pearson's correlation; undefined where one side does not vary. */
export function pearson(a: ArrayLike<number>, b: ArrayLike<number>): number | undefined {
  const [meanA, meanB] = [meanOf(a), meanOf(b)];
  let [covariance, varianceA, varianceB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [da, db] = [a[i] - meanA, b[i] - meanB];
    covariance += da * db;
    varianceA += da * da;
    varianceB += db * db;
  }
  // Values that differ by rounding alone do not vary: their correlation would be noise.
  const negligible = (variance: number, mean: number) => variance <= 1e-18 * a.length * mean * mean || variance === 0;
  if (negligible(varianceA, meanA) || negligible(varianceB, meanB)) return undefined;
  return covariance / Math.sqrt(varianceA * varianceB);
}

/** Ranks from 0; equal values share the mean of their ranks. */
export function ranks(values: ArrayLike<number>): Float64Array {
  const order = filled(new Uint32Array(values.length), (i) => i).sort((a, b) => values[a] - values[b]);
  const result = new Float64Array(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end]] === values[order[start]]) end++;
    for (let i = start; i < end; i++) result[order[i]] = (start + end - 1) / 2;
    start = end;
  }
  return result;
}

/** Spearman's rank correlation; undefined where one side does not vary. */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number | undefined {
  return pearson(ranks(a), ranks(b));
}
