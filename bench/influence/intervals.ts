import { quantile } from '../../src/evaluation/statistics.ts';
import { random } from '../../src/tensor/random.ts';

/** Percentile bootstrap over `count` things, 95 %. */
export function interval(statistic: (at: readonly number[]) => number, count: number): [number, number] {
  const source = random(1);
  const values = Array.from({ length: 1000 }, () =>
    statistic(Array.from({ length: count }, () => source.integer(count))),
  );
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  return [quantile(sorted, 0.025), quantile(sorted, 0.975)];
}

export const shown = (value: number, digits = 3): string => value.toFixed(digits);

/** `.123 [.1, .15]`. */
export const bracketed = (value: number, [low, high]: readonly [number, number], digits = 3): string =>
  `${shown(value, digits)} [${shown(low, digits)}, ${shown(high, digits)}]`;

export const gate = (reached: boolean): string => (reached ? '✓' : '✗');
