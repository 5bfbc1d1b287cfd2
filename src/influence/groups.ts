import type { Matrix64 } from './matrix.ts';

/** What a group of rows does to a query, by the sum of its rows' scores. */
export interface GroupInfluence {
  readonly column: string;
  readonly value: string;
  readonly rows: number;
  readonly share: number;
  readonly score: number;
  /** The group is so large that its rows replace each other: the sum says too little of it. */
  readonly understated: boolean;
  /** f with the group less f without it by one Newton step, where one was taken: for groups that the sum understates. */
  readonly newton?: number;
}

/** Share of the rows from which the sum of a group is said to understate its effect (1.2 times for three rows, 1.5 at 20 %, 11 for a whole class, measured). */
export const additiveShare = 0.05;

/** Groups of every column by the sum of their rows' scores for one query, the strongest first. */
export function groupInfluences(
  scores: Matrix64,
  query: number,
  columns: ReadonlyMap<string, readonly string[]>,
): GroupInfluence[] {
  const found: GroupInfluence[] = [];
  for (const [column, values] of columns) {
    const groups = new Map<string, { rows: number; score: number }>();
    for (const [i, value] of values.entries()) {
      const group = groups.get(value) ?? { rows: 0, score: 0 };
      group.rows++;
      group.score += scores.data[query * scores.columns + i];
      groups.set(value, group);
    }
    for (const [value, { rows, score }] of groups) {
      const share = rows / values.length;
      found.push({ column, value, rows, share, score, understated: share > additiveShare });
    }
  }
  return found.sort((a, b) => Math.abs(b.score) - Math.abs(a.score));
}

/**
 * The first rows of an order, less those nearly equal to one that was taken: not ten copies of one row.
 * @param alike whether two rows are nearly the same
 */
export function diverse(order: ArrayLike<number>, count: number, alike: (a: number, b: number) => boolean): number[] {
  const taken: number[] = [];
  for (let k = 0; k < order.length && taken.length < count; k++)
    if (!taken.some((other) => alike(other, order[k]))) taken.push(order[k]);
  return taken;
}
