import { WhereforeError } from '../../errors.ts';
import { studentQuantile } from '../../influence/student-t.ts';
import { meanOf } from '../../tensor/correlation.ts';

/** A mean of what people would say, with an interval. */
export interface CorrectedMean {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  /** λ: how much the judge counts; 0 where it says nothing about people. */
  readonly weight: number;
  /** The same from the people's labels alone. */
  readonly peopleAlone: { readonly mean: number; readonly low: number; readonly high: number };
  /** The judge alone, which has the judge's own bias and so no interval. */
  readonly judgeAlone: number;
  /** People's labels that would give as short an interval without the judge. */
  readonly worthLabels: number;
}

/**
 * A mean of people's labels over all items, from a judge's ratings of all and people's labels of a few, drawn at random:
 *
 *     θ̂ = λ · mean_N f(x̃) + mean_n (y − λ f(x)),   λ = cov(y, f) / ((1 + n/N) var f), at least 0 and at most 1
 *
 * It is as unbiased as the people's labels alone, whatever the judge does, and shorter where the judge tells something.
 * The interval is θ̂ ± t √(λ² var f / N + var(y − λ f) / n), t with n − 1 degrees of freedom.
 * Source: Angelopoulos et al. 2023, "Prediction-powered inference"; λ from Angelopoulos, Duchi, Zrnic 2023, §3.
 * @param labels what people said about the first of the items
 * @param judged what the judge said about the same
 * Where the judge errs alike on all rated items, they tell nothing about how its errors spread: one more error of the
 * size `range` may then hide in a share of 1 − (1 − level)^(1/n) of the items, and the interval is wider by as much.
 * @param rest what the judge said about items that no person rated
 * @param fixedWeight λ, where it is not to be chosen
 * @throws WhereforeError `wrong-shape`, `out-of-range` for fewer than three labels or items
 */
export function predictionPowered(
  labels: readonly number[],
  judged: readonly number[],
  rest: readonly number[],
  options: {
    /** Default .95. */
    readonly level?: number;
    readonly fixedWeight?: number;
    /** How far the largest rating lies above the smallest that is possible. Default 1. */
    readonly range?: number;
  } = {},
): CorrectedMean {
  const { level = 0.95, fixedWeight, range = 1 } = options;
  const n = labels.length;
  if (judged.length !== n) {
    throw new WhereforeError('wrong-shape', 'a judge must have rated what people rated', {
      got: `${judged.length} ratings`,
      expected: `${n}`,
    });
  }
  if (n < 3 || rest.length < 3) {
    throw new WhereforeError('out-of-range', 'too little to correct a judge with', {
      got: `${n} labels of people, ${rest.length} items without`,
      expected: 'three of each at least',
      fix: 'let people rate more, 30 or so',
    });
  }
  const spread = variance([...judged, ...rest]);
  const best = spread === 0 ? 0 : covariance(labels, judged) / ((1 + n / rest.length) * spread);
  const weight = fixedWeight ?? Math.min(1, Math.max(0, best));
  const errors = labels.map((label, i) => label - weight * judged[i]);
  const mean = weight * meanOf(rest) + meanOf(errors);
  const t = studentQuantile(1 - level, n - 1);
  const squared = (weight ** 2 * variance(rest)) / rest.length + variance(errors) / n;
  const unseen = range * (1 - (1 - level) ** (1 / n));
  const half = t * Math.sqrt(squared) + (variance(errors) === 0 ? unseen : 0);
  const alone = t * Math.sqrt(variance(labels) / n) + (variance(labels) === 0 ? unseen : 0);
  return {
    mean,
    low: mean - half,
    high: mean + half,
    weight,
    peopleAlone: { mean: meanOf(labels), low: meanOf(labels) - alone, high: meanOf(labels) + alone },
    judgeAlone: meanOf([...judged, ...rest]),
    worthLabels: half === 0 ? n : n * (alone / half) ** 2,
  };
}

function covariance(a: readonly number[], b: readonly number[]): number {
  const [meanA, meanB] = [meanOf(a), meanOf(b)];
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - meanA) * (b[i] - meanB);
  return sum / (a.length - 1);
}

const variance = (values: readonly number[]): number => covariance(values, values);
