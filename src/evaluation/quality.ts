import type { ReadyMetric } from './score.ts';
import { meanOf } from './statistics.ts';
import { difference } from './verdicts.ts';

/**
 * Mean over metrics of the share of the other rows that a row beats, a tie counting half: 0 to 1.
 * @param row index of the row
 * @param compared indices of the rows that it is compared with, itself among them
 * @param means mean score of each row by metric; undefined where it has none
 * @returns undefined where no metric scored the row and another one
 */
export function qualityOf(
  row: number,
  compared: readonly number[],
  metrics: readonly ReadyMetric[],
  means: readonly Readonly<Record<string, number | undefined>>[],
): number | undefined {
  const shares = metrics.flatMap((ready) => {
    const own = means[row][ready.name];
    const others = compared.filter((r) => r !== row && means[r][ready.name] !== undefined);
    if (own === undefined || others.length === 0) return [];
    const wins = others.map((r) => {
      const gain = difference(ready, own, means[r][ready.name]) as number;
      return gain === 0 ? 0.5 : gain > 0 ? 1 : 0;
    });
    return [meanOf(wins)];
  });
  return shares.length ? meanOf(shares) : undefined;
}
