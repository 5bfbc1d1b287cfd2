// Largest and smallest of any number of values. `Math.max(...values)` puts every value on the call stack, which
// overflows at about 100,000 of them.

/** The largest value; −∞ of none, NaN where one of them is NaN, as `Math.max`. */
export function maxOf(values: Iterable<number>): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const value of values) most = Math.max(most, value);
  return most;
}

/** Position of the largest value, the first of equal ones; 0 of none. */
export function largestAt(values: ArrayLike<number>): number {
  let best = 0;
  for (let k = 1; k < values.length; k++) if (values[k] > values[best]) best = k;
  return best;
}

/** The smallest value; +∞ of none, NaN where one of them is NaN, as `Math.min`. */
export function minOf(values: Iterable<number>): number {
  let least = Number.POSITIVE_INFINITY;
  for (const value of values) least = Math.min(least, value);
  return least;
}
