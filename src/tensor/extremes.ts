// Largest and smallest of any number of values. `Math.max(...values)` puts every value on the call stack, which
// overflows at about 100,000 of them.

/** The largest value; −∞ of none, NaN where one of them is NaN, as `Math.max`. */
export function maxOf(values: Iterable<number>): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const value of values) most = Math.max(most, value);
  return most;
}

/** The smallest value; +∞ of none, NaN where one of them is NaN, as `Math.min`. */
export function minOf(values: Iterable<number>): number {
  let least = Number.POSITIVE_INFINITY;
  for (const value of values) least = Math.min(least, value);
  return least;
}
