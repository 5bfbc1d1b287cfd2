import { holm } from '../../evaluation/statistics.ts';
import type { Slice } from './regions.ts';

/** A group of rows in which more labels are suspect than elsewhere. */
export interface SuspiciousGroup extends Slice {
  readonly rows: number;
  /** Rows whose label is flagged, here and in the rest of the data, as shares. */
  readonly share: number;
  readonly elsewhere: number;
  /** Probability of so many flagged rows by chance, after Holm's correction for the groups that were tried (at most .05). */
  readonly chance: number;
}

/** Rows that a group must have to be judged. */
const leastRows = 5;

/**
 * Groups of metadata (annotator, source, date, …) with more flagged labels than the others: the hypergeometric test
 * (Fisher's exact test, one-sided), those that hold together at 5 % by Holm's step-down.
 * @param columns values of each column, by row; a missing value is its own group
 */
export function suspiciousGroups(
  columns: ReadonlyMap<string, readonly string[]>,
  flagged: Uint8Array,
): SuspiciousGroup[] {
  const total = flagged.length;
  const all = flagged.reduce((sum, one) => sum + one, 0);
  const logFactorials = logFactorialsTo(total);
  const tried: SuspiciousGroup[] = [];
  for (const [column, values] of columns) {
    const groups = new Map<string, { rows: number; flagged: number }>();
    for (const [i, value] of values.entries()) {
      const group = groups.get(value) ?? { rows: 0, flagged: 0 };
      group.rows++;
      group.flagged += flagged[i];
      groups.set(value, group);
    }
    for (const [value, group] of groups) {
      if (group.rows < leastRows || group.rows === total) continue;
      tried.push({
        column,
        value,
        rows: group.rows,
        share: group.flagged / group.rows,
        elsewhere: (all - group.flagged) / (total - group.rows),
        chance: atLeast(group.flagged, group.rows, all, total, logFactorials),
      });
    }
  }
  const chances = tried.map(({ chance }) => chance);
  const holds = holm(chances);
  return tried
    .filter((_, i) => holds[i])
    .map((group) => ({ ...group, chance: Math.min(1, group.chance * tried.length) }))
    .sort((a, b) => a.chance - b.chance || b.share - a.share);
}

/** P(at least k flagged among m drawn without replacement from n rows of which f are flagged). @param logFactorials up to n */
export function atLeast(k: number, m: number, f: number, n: number, logFactorials = logFactorialsTo(n)): number {
  const choose = (a: number, b: number) => logFactorials[a] - logFactorials[b] - logFactorials[a - b];
  let sum = 0;
  for (let j = Math.max(k, m + f - n); j <= Math.min(m, f); j++) {
    sum += Math.exp(choose(f, j) + choose(n - f, m - j) - choose(n, m));
  }
  return Math.min(1, sum);
}

/** log 0!, …, log n!. */
function logFactorialsTo(n: number): Float64Array {
  const logs = new Float64Array(n + 1);
  for (let i = 1; i <= n; i++) logs[i] = logs[i - 1] + Math.log(i);
  return logs;
}
