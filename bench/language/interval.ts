import { bootstrap } from '../../src/evaluation/statistics.ts';
import { shareWithInterval } from '../../src/language/audit/estimates.ts';

/** A mean with its 95 % interval over items: Wilson's for hits and misses, which has a width at 40 of 40, else by bootstrap. */
export function interval(values: readonly number[], digits = 3): string {
  const isShare = values.length > 0 && values.every((value) => value === 0 || value === 1);
  const hits = isShare ? values.filter((value) => value === 1).length : 0;
  const { mean, low = mean, high = mean } = isShare ? shareWithInterval(hits, values.length) : bootstrap(values);
  return `${mean.toFixed(digits)} [${low.toFixed(digits)}, ${high.toFixed(digits)}]`;
}
