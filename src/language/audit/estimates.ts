import type { Interval } from '../../evaluation/statistics.ts';
import { studentQuantile } from '../../influence/student-t.ts';
import { meanOf } from '../../tensor/correlation.ts';
import { filled } from '../../tensor/filled.ts';
import { random } from '../../tensor/random.ts';

/** The mean of independent values with its interval, `mean ± t · s / √n`; undefined ends for fewer than two. */
export function meanWithInterval(values: readonly number[], level = 0.95): Interval {
  const count = values.length;
  const mean = meanOf(values);
  if (count < 2) return { mean, low: undefined, high: undefined, count };
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  const half = studentQuantile(1 - level, count - 1) * Math.sqrt(squares / (count - 1) / count);
  return { mean, low: mean - half, high: mean + half, count };
}

/** The difference of the means of two groups, with Welch's interval. */
export function differenceOfMeans(a: readonly number[], b: readonly number[], level = 0.95): Interval {
  const [one, other] = [spread(a), spread(b)];
  const mean = one.mean - other.mean;
  const count = a.length + b.length;
  const variance = one.ofMean + other.ofMean;
  if (a.length < 2 || b.length < 2) return { mean, low: undefined, high: undefined, count };
  if (variance === 0) return { mean, low: mean, high: mean, count };
  const freedom = variance ** 2 / (one.ofMean ** 2 / (a.length - 1) + other.ofMean ** 2 / (b.length - 1));
  const half = studentQuantile(1 - level, Math.max(1, freedom)) * Math.sqrt(variance);
  return { mean, low: mean - half, high: mean + half, count };
}

function spread(values: readonly number[]): { readonly mean: number; readonly ofMean: number } {
  const mean = meanOf(values);
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  return { mean, ofMean: squares / (values.length - 1) / values.length };
}

/** What a normal variable exceeds in size once in 20 times. */
const z = 1.959963984540054;

/** Wilson's 95 % interval of a share: holds for shares near 0 and 1 and for few cases. Source: Wilson 1927. */
export function shareWithInterval(hits: number, count: number): Interval {
  const mean = hits / count;
  const scale = 1 + z ** 2 / count;
  const centre = (mean + z ** 2 / (2 * count)) / scale;
  const half = (z * Math.sqrt((mean * (1 - mean)) / count + z ** 2 / (4 * count ** 2))) / scale;
  return { mean, low: Math.max(0, centre - half), high: Math.min(1, centre + half), count };
}

/**
 * Two-sided chance that paired differences with a mean as far from 0 come about where each could as well have the other
 * sign. All 2ⁿ signs up to n = 12, else `draws` of them.
 */
export function signFlipChance(differences: readonly number[], { draws = 4000, seed = 0 } = {}): number {
  const n = differences.length;
  const observed = Math.abs(sum(differences)) - 1e-12;
  const source = random(seed, 1);
  const all = n <= 12 ? 2 ** n : draws;
  let far = 0;
  for (let d = 0; d < all; d++) {
    let total = 0;
    for (let i = 0; i < n; i++) {
      const flips = n <= 12 ? (d >> i) & 1 : source.integer(2);
      total += flips ? -differences[i] : differences[i];
    }
    if (Math.abs(total) >= observed) far++;
  }
  // The differences as they are belong to the signs that were drawn.
  return n <= 12 ? far / all : (far + 1) / (all + 1);
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** Area under the ROC curve: the chance that a positive case scores above a negative one; undefined without both. */
export function areaUnderRoc(scores: ArrayLike<number>, positive: ArrayLike<boolean>): number | undefined {
  const order = filled(new Uint32Array(scores.length), (i) => i).sort((a, b) => scores[a] - scores[b]);
  let [rankSum, positives] = [0, 0];
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && scores[order[end]] === scores[order[start]]) end++;
    for (let i = start; i < end; i++) {
      if (!positive[order[i]]) continue;
      rankSum += (start + end + 1) / 2;
      positives++;
    }
    start = end;
  }
  const negatives = scores.length - positives;
  if (positives === 0 || negatives === 0) return undefined;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}
