import { meanOf } from '../tensor/correlation.ts';
import { random } from '../tensor/random.ts';

export { meanOf, pearson, ranks, spearman } from '../tensor/correlation.ts';

/** A mean over inputs with its 95 % interval. */
export interface Interval {
  readonly mean: number;
  /** Ends of the interval; undefined for fewer than two values. */
  readonly low: number | undefined;
  readonly high: number | undefined;
  readonly count: number;
}

export interface BootstrapOptions {
  /** Default 2000. */
  readonly resamples?: number;
  readonly seed?: number;
  /** Share of the interval. Default 0.95. */
  readonly level?: number;
  /**
   * What each value was drawn from, e.g. the photograph behind several crops: values of one source are drawn together,
   * because they are not independent. Default: each value is its own.
   */
  readonly sources?: readonly string[];
}

/**
 * The mean with a percentile bootstrap interval: means of samples drawn with replacement, source by source.
 * Source: Efron 1979; sources as clusters after Davison, Hinkley 1997, §3.8. A single source has no interval; no value
 * has mean NaN.
 */
export function bootstrap(values: ArrayLike<number>, options: BootstrapOptions = {}): Interval {
  const count = values.length;
  const mean = meanOf(values);
  const means = resampledMeans(values, options);
  if (!means) return { mean, low: undefined, high: undefined, count };
  const tail = (1 - (options.level ?? 0.95)) / 2;
  return { mean, low: quantile(means, tail), high: quantile(means, 1 - tail), count };
}

/**
 * Two-sided probability that a mean as far from 0 comes about by chance, from the same resamples: twice the share of
 * means on the other side of 0, those at 0 counting half, at least 1/(resamples + 1). undefined for a single source.
 */
export function chanceOfZero(values: ArrayLike<number>, options: BootstrapOptions = {}): number | undefined {
  const means = resampledMeans(values, options);
  if (!means) return undefined;
  let [below, above] = [0, 0];
  for (const mean of means) {
    below += mean < 0 ? 1 : mean === 0 ? 0.5 : 0;
    above += mean > 0 ? 1 : mean === 0 ? 0.5 : 0;
  }
  return Math.min(1, (2 * Math.min(below, above) + 1) / (means.length + 1));
}

/** Means of samples of the sources, ascending; undefined for fewer than two sources. */
function resampledMeans(
  values: ArrayLike<number>,
  { resamples = 2000, seed = 0, sources }: BootstrapOptions,
): Float64Array | undefined {
  const clusters = new Map<string | number, { sum: number; count: number }>();
  for (let i = 0; i < values.length; i++) {
    const key = sources ? sources[i] : i;
    const cluster = clusters.get(key) ?? { sum: 0, count: 0 };
    cluster.sum += values[i];
    cluster.count++;
    clusters.set(key, cluster);
  }
  const drawn = [...clusters.values()];
  if (drawn.length < 2) return undefined;
  const source = random(seed, 1);
  const means = new Float64Array(resamples);
  for (let r = 0; r < resamples; r++) {
    let [sum, count] = [0, 0];
    for (let i = 0; i < drawn.length; i++) {
      const cluster = drawn[source.integer(drawn.length)];
      sum += cluster.sum;
      count += cluster.count;
    }
    means[r] = sum / count;
  }
  return means.sort();
}

/**
 * Which of several tests hold together at a level: Holm's step-down, which bounds the chance of any false one.
 * Source: Holm 1979.
 * @returns for each test whether it holds
 */
export function holm(chances: readonly number[], level = 0.05): boolean[] {
  const order = chances.map((_, i) => i).sort((a, b) => chances[a] - chances[b]);
  const holds = chances.map(() => false);
  for (const [rank, i] of order.entries()) {
    if (chances[i] > level / (chances.length - rank)) break;
    holds[i] = true;
  }
  return holds;
}

/** Quantile of sorted values, linear between neighbours. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(sorted.length - 1, below + 1);
  return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
}

/** Kendall's τ-b, which allows for equal values; undefined where one side does not vary. For short lists: O(n²). */
export function kendall(a: ArrayLike<number>, b: ArrayLike<number>): number | undefined {
  let [agreement, pairsA, pairsB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    for (let j = i + 1; j < a.length; j++) {
      const [signA, signB] = [Math.sign(a[i] - a[j]), Math.sign(b[i] - b[j])];
      agreement += signA * signB;
      if (signA !== 0) pairsA++;
      if (signB !== 0) pairsB++;
    }
  }
  return pairsA === 0 || pairsB === 0 ? undefined : agreement / Math.sqrt(pairsA * pairsB);
}

/** Area under a curve by the trapezoid rule, divided by the width of its range: the curve's mean. */
export function meanUnderCurve(positions: ArrayLike<number>, values: ArrayLike<number>): number {
  const last = positions.length - 1;
  if (last === 0) return values[0];
  let area = 0;
  for (let i = 0; i < last; i++) area += ((values[i] + values[i + 1]) / 2) * (positions[i + 1] - positions[i]);
  return area / (positions[last] - positions[0]);
}
