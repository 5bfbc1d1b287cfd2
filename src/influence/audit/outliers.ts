import { quantile } from '../../evaluation/statistics.ts';
import type { Neighbours } from '../neighbours.ts';

/** How far each row lies from the rest. */
export interface Outliers {
  /** Mean distance to the neighbours; NaN without neighbours. */
  readonly distances: Float64Array;
  /** `0.6745 (log d − median)/MAD`: the distance's place among all, robust against the outliers themselves. */
  readonly scores: Float64Array;
  /** Median of the distances. */
  readonly median: number;
}

/** Score from which a row counts as an outlier. Source: Iglewicz and Hoaglin, "How to Detect and Handle Outliers", 1993. */
export const outlierScore = 3.5;

/** Rows far from everything, by the logarithm of the mean distance to their neighbours, which is nearly symmetric. */
export function outliers({ count, distances }: Neighbours, rows: number): Outliers {
  const means = new Float64Array(rows).fill(Number.NaN);
  for (let i = 0; i < rows && count > 0; i++) {
    means[i] = distances.subarray(i * count, (i + 1) * count).reduce((sum, d) => sum + d, 0) / count;
  }
  // A row whose neighbours are all copies of it is the opposite of an outlier.
  const logs = means.map((mean) => Math.log(mean));
  const finite = logs.filter(Number.isFinite).sort();
  if (finite.length === 0) return { distances: means, scores: new Float64Array(rows), median: Number.NaN };
  const median = quantile(finite, 0.5);
  const deviations = finite.map((log) => Math.abs(log - median)).sort();
  const mad = quantile(deviations, 0.5);
  const scores = logs.map((log) => (mad > 0 && Number.isFinite(log) ? (0.6745 * (log - median)) / mad : 0));
  return { distances: means, scores, median: Math.exp(median) };
}
