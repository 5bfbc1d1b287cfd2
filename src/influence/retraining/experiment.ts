import { WhereforeError } from '../../errors.ts';
import { choose, random } from '../../tensor/random.ts';
import type { GroupTrainings } from './group-plan.ts';
import type { PlannedTraining } from './retraining.ts';

/** What is done to training rows. */
export interface RowChange {
  /** Positions of rows that are left out. */
  readonly dropped: readonly number[];
  /** New classes by position. */
  readonly relabelled: ReadonlyMap<number, number>;
}

/** Trainings of each seed: on the rows as they are, on the changed rows, and without as many random ones. */
export const arms = ['with', 'changed', 'control'] as const;
export type Arm = (typeof arms)[number];

export interface ExperimentOptions {
  readonly rows: number;
  /** Classes of the rows, for a control of the same mix. */
  readonly labels?: Int32Array;
  readonly change: RowChange;
  /** Rows that no training uses, because they are measured. */
  readonly heldOut?: readonly number[];
  /** At least one. */
  readonly seeds: readonly number[];
  /** Random controls; default one for each seed. */
  readonly controls?: number;
  /** Of what is drawn at random. */
  readonly seed: number;
}

/** Trainings to compare. */
export interface Experiment {
  /** One after another; which they are stands in `parts`. */
  readonly trainings: readonly PlannedTraining[];
  readonly parts: readonly { readonly arm: Arm; readonly seed: number }[];
  /** Rows that a control leaves out. */
  readonly size: number;
  readonly sameClasses: boolean;
  readonly notes: readonly string[];
}

/** Share of a class beyond which random rows of it are the rows in question. */
const mostOfClass = 0.9;

/**
 * Plans a comparison in pairs: trainings of one seed start from the same weights and read the rows in the same order, so
 * that they differ by the changed rows alone. Every control leaves out other random rows, none of the
 * changed ones where there are enough: as many, of the same classes.
 * @throws WhereforeError `invalid-argument` where nothing changes or nothing is left to train on
 */
export function planExperiment(options: ExperimentOptions): Experiment {
  const { rows, labels, change, heldOut = [], seeds, controls = seeds.length, seed } = options;
  const held = new Set(heldOut);
  const changed = [...new Set([...change.dropped, ...change.relabelled.keys()])].filter((row) => !held.has(row));
  if (changed.length === 0)
    throw new WhereforeError('invalid-argument', 'nothing is changed: both trainings would be the same', {
      fix: 'name rows to leave out or to relabel',
    });
  const all = new Uint32Array(rows).fill(1);
  for (const row of heldOut) all[row] = 0;
  const without = (dropped: Iterable<number>) => {
    const counts = all.slice();
    for (const row of dropped) counts[row] = 0;
    return counts;
  };
  const ours = without(change.dropped);
  if (!ours.includes(1))
    throw new WhereforeError('invalid-argument', 'no row is left to train on', { got: `${rows} rows, all left out` });
  const draw = controlOf(all, labels, changed);
  const trainings: PlannedTraining[] = [];
  const parts: { arm: Arm; seed: number }[] = [];
  const add = (arm: Arm, own: number, training: Omit<PlannedTraining, 'seed'>) => {
    trainings.push({ ...training, seed: own });
    parts.push({ arm, seed: own });
  };
  for (const [i, own] of seeds.entries()) {
    add('with', own, { counts: all });
    add('changed', own, { counts: ours, labels: change.relabelled, ...(i === 0 && { keeps: true }) });
  }
  for (let i = 0; i < controls; i++)
    add('control', seeds[i % seeds.length], { counts: without(draw.rows(seed, i + 1)) });
  return { trainings, parts, size: changed.length, sameClasses: draw.sameClasses, notes: draw.notes };
}

/** Other rows of a class, for each changed one, from which random ones are drawn; with fewer, all are drawn from. */
const leastChoice = 2;

interface Pool {
  /** Changed rows. */
  own: number;
  readonly rows: number[];
  readonly others: number[];
}

/** Draws random rows, as many as were changed, of each class as many. */
function controlOf(all: Uint32Array, labels: Int32Array | undefined, changed: readonly number[]) {
  const ours = new Set(changed);
  const byClass = new Map<number, Pool>();
  for (let row = 0; row < all.length; row++) {
    if (all[row] === 0) continue;
    const label = labels?.[row] ?? 0;
    const pool = byClass.get(label) ?? { own: 0, rows: [], others: [] };
    pool.rows.push(row);
    if (ours.has(row)) pool.own++;
    else pool.others.push(row);
    byClass.set(label, pool);
  }
  const isWhole =
    labels !== undefined && [...byClass.values()].some(({ own, rows }) => own > mostOfClass * rows.length);
  const pools: Pool[] = isWhole
    ? [
        {
          own: changed.length,
          rows: [...byClass.values()].flatMap(({ rows }) => rows),
          others: [...byClass.values()].flatMap(({ others }) => others),
        },
      ]
    : [...byClass.values()];
  const hasOthers = pools.every(({ own, others }) => others.length >= leastChoice * own);
  return {
    sameClasses: labels !== undefined && !isWhole,
    notes: [
      ...(isWhole ? ['nearly all rows of a class are changed: the random rows are as many, but of any class'] : []),
      ...(hasOthers ? [] : ['so many rows are changed that random ones are drawn among all, the changed ones too']),
    ],
    rows: (seed: number, stream: number): number[] => {
      const source = random(seed, stream);
      return pools.flatMap(({ own, rows, others }) => {
        const from = hasOthers ? others : rows;
        return Array.from(choose(from.length, own, source), (i) => from[i]);
      });
    },
  };
}

/** Trainings that leave out one row at a time. */
export interface LeaveOneOut {
  readonly trainings: readonly PlannedTraining[];
  /** The row that a training leaves out; absent where it leaves out none. */
  readonly parts: readonly { readonly row?: number; readonly seed: number }[];
}

/** Plans a training with all rows and one without each of some rows, for every seed. @throws WhereforeError `invalid-argument` for no rows */
export function planLeaveOneOut({
  rows,
  each,
  heldOut = [],
  seeds,
}: Pick<ExperimentOptions, 'rows' | 'heldOut' | 'seeds'> & { readonly each: readonly number[] }): LeaveOneOut {
  const held = new Set(heldOut);
  const all = new Uint32Array(rows).fill(1);
  for (const row of heldOut) all[row] = 0;
  const own = each.filter((row) => !held.has(row));
  if (own.length === 0 || rows - held.size < 2)
    throw new WhereforeError('invalid-argument', 'there are no rows to leave out one at a time', {
      got: `${rows} rows, ${held.size} of them held out`,
    });
  const trainings: PlannedTraining[] = [];
  const parts: { row?: number; seed: number }[] = [];
  for (const seed of seeds) {
    trainings.push({ seed, counts: all });
    parts.push({ seed });
    for (const row of own) {
      const counts = all.slice();
      counts[row] = 0;
      trainings.push({ seed, counts });
      parts.push({ row, seed });
    }
  }
  return { trainings, parts };
}

/** What is trained: rows changed together, left out one at a time, or groups of them. */
export type RetrainPlan =
  | ({ readonly kind: 'change' } & Experiment)
  | ({ readonly kind: 'each' } & LeaveOneOut)
  | ({ readonly kind: 'groups'; readonly column: string } & GroupTrainings);
