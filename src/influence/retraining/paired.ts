import { studentTwoSided } from '../student-t.ts';

/** A mean with its interval. */
export interface Estimate {
  readonly mean: number;
  /** Bounds of the 95 % interval; absent where there is one value, or all are the same: their spread is not known then. */
  readonly low?: number;
  readonly high?: number;
}

const level = 0.05;

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function deviationOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}

/** The t that is exceeded on either side with a chance of 5 % (or another one), by Student's distribution. */
export function studentQuantile(freedom: number, chance = level): number {
  let [low, high] = [0, 1e6];
  for (let i = 0; i < 200 && high - low > 1e-10 * high; i++) {
    const middle = (low + high) / 2;
    if (studentTwoSided(middle, freedom) > chance) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Whether all values are one number. */
export const isOneNumber = (values: readonly number[]): boolean => values.every((value) => value === values[0]);

/** Mean ± t · s/√n of paired differences, one of each seed. */
export function pairedEstimate(differences: readonly number[], chance = level): Estimate {
  const mean = meanOf(differences);
  if (isOneNumber(differences)) return { mean: differences[0] };
  const half =
    studentQuantile(differences.length - 1, chance) * (deviationOf(differences) / Math.sqrt(differences.length));
  return { mean, low: mean - half, high: mean + half };
}

/**
 * How far a change lies from what changing random rows does: the difference of the means ± t · s √(1 + 1/k), where s is
 * the spread of k random changes, each of other rows. The rows in question are one choice of rows: were they random, too,
 * their effect would spread as those do, so that 0 lies outside at most 5 % of the time.
 * Without an interval where all random changes give the same number, as accuracies on few rows may.
 * @param controls at least two
 */
export function beyondRandom(differences: readonly number[], controls: readonly number[]): Estimate {
  const mean = meanOf(differences) - meanOf(controls);
  if (isOneNumber(controls)) return { mean };
  const half = studentQuantile(controls.length - 1) * deviationOf(controls) * Math.sqrt(1 + 1 / controls.length);
  return { mean, low: mean - half, high: mean + half };
}

/** The side of 0 that an interval lies on; 0 where it holds 0 or there is none. */
export function sideOf({ low, high }: Estimate): -1 | 0 | 1 {
  if (low === undefined || high === undefined) return 0;
  return low > 0 ? 1 : high < 0 ? -1 : 0;
}

/**
 * What a change of the training rows was found to do: `helps`, `harms`: more than changing as many random rows does;
 * `like-random`: it does something, but no more than that; `less-harm`, `less-help`: of the same sign, and less than that;
 * `no-effect`: none was measurable.
 */
export type Verdict = 'helps' | 'harms' | 'like-random' | 'less-harm' | 'less-help' | 'no-effect';

/** @param effect without an interval (one training of each kind) counts as measured as it is; `beyond` without one tells nothing */
export function verdictOf(effect: Estimate, beyond: Estimate): Verdict {
  const own = effect.low === undefined ? Math.sign(effect.mean) : sideOf(effect);
  const other = sideOf(beyond);
  if (own === 0 || beyond.low === undefined) return 'no-effect';
  if (other === 0) return 'like-random';
  if (own > 0) return other > 0 ? 'helps' : 'less-help';
  return other < 0 ? 'harms' : 'less-harm';
}
