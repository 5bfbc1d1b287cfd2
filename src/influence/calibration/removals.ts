import { choose, type Random, random } from '../../tensor/random.ts';
import { type Matrix64, rowOf } from '../matrix.ts';
import type { PlannedTraining } from '../retraining/retraining.ts';

/** How the rows of a removal were chosen: by the scores of a query, or at random. */
export const removalKinds = ['opponents', 'proponents', 'random', 'random-same-class'] as const;
export type RemovalKind = (typeof removalKinds)[number];

/** Rows that a calibration leaves out together. */
export interface Removal {
  /** Positions, rising. */
  readonly rows: readonly number[];
  readonly chosen: RemovalKind;
  /** The query whose scores, or whose class, chose them; absent where the rows are any. */
  readonly query?: number;
}

export interface RemovalOptions {
  /** Queries × rows; positive: the row helps. */
  readonly scores: Matrix64;
  /** Classes of the rows. */
  readonly labels: ArrayLike<number>;
  /** The class that f of each query is about. */
  readonly targets: ArrayLike<number>;
  /** Removals in all. */
  readonly count: number;
  readonly seed: number;
}

/** Shares of the rows that are left out together; one row alone comes first. The last is where sums begin to understate. */
const shares = [0, 0.005, 0.01, 0.02, 0.05];

/** Numbers of rows that are left out together, rising. */
export function removalSizes(rows: number): number[] {
  return [...new Set(shares.map((share) => Math.max(1, Math.round(share * rows))))];
}

/**
 * Plans what a calibration leaves out: every size in turn, chosen in turn as a person would choose (rows that the scores
 * call opponents or proponents of a query) and at random. Of the strongest rows, as many again as are left out are drawn
 * from, so that removals do not lie within each other.
 */
export function planRemovals({ scores, labels, targets, count, seed }: RemovalOptions): Removal[] {
  const sizes = removalSizes(scores.columns);
  const source = random(seed, 12);
  return Array.from({ length: count }, (_, j) => {
    const size = sizes[j % sizes.length];
    const query = (j + Math.floor(j / sizes.length)) % scores.rows;
    const wanted = removalKinds[Math.floor(j / sizes.length) % removalKinds.length];
    const scored = { values: rowOf(scores, query), labels, target: targets[query] };
    const pool = pools[wanted](size, scored);
    const chosen = pool ? wanted : 'random';
    const rows = drawn(pool ?? ordered(scored.values, 1), size, source).sort((a, b) => a - b);
    return { rows, chosen, ...(chosen !== 'random' && { query }) };
  });
}

interface Scored {
  readonly values: ArrayLike<number>;
  readonly labels: ArrayLike<number>;
  readonly target: number;
}

/** Rows that a removal of a size is drawn from; undefined where there are too few of that kind. */
const pools: Readonly<Record<RemovalKind, (size: number, scored: Scored) => number[] | undefined>> = {
  opponents: (size, { values }) => ordered(values, 1).slice(0, 2 * size),
  proponents: (size, { values }) => ordered(values, -1).slice(0, 2 * size),
  random: (_, { values }) => ordered(values, 1),
  'random-same-class'(size, { values, labels, target }) {
    const own = ordered(values, 1).filter((row) => labels[row] === target);
    // Half of a class at most: without a whole class f is of another kind.
    return own.length >= 2 * size ? own : undefined;
  },
};

/** Positions by score, the smallest first (or, with −1, the largest). */
function ordered(values: ArrayLike<number>, sign: 1 | -1): number[] {
  return Array.from({ length: values.length }, (_, i) => i).sort((a, b) => sign * (values[a] - values[b]) || a - b);
}

function drawn(pool: readonly number[], size: number, source: Random): number[] {
  return Array.from(choose(pool.length, Math.min(size, pool.length), source), (i) => pool[i]);
}

/** The trainings of a calibration: of each seed one on all rows, then one without the rows of each removal. */
export function calibrationTrainings(
  rows: number,
  removals: readonly Removal[],
  seeds: readonly number[],
): PlannedTraining[] {
  return seeds.flatMap((seed) => [
    { seed, counts: new Uint32Array(rows).fill(1) },
    ...removals.map(({ rows: left }) => {
      const counts = new Uint32Array(rows).fill(1);
      for (const row of left) counts[row] = 0;
      return { seed, counts };
    }),
  ]);
}
