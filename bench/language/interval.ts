import { bootstrap } from '../../src/evaluation/statistics.ts';

/** A mean with its 95 % interval over items. */
export function interval(values: readonly number[], digits = 3): string {
  const { mean, low = mean, high = mean } = bootstrap(values);
  return `${mean.toFixed(digits)} [${low.toFixed(digits)}, ${high.toFixed(digits)}]`;
}
