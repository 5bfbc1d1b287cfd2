import { WhereforeError } from '../../errors.ts';
import { semivalueOf } from '../methods/semivalues.ts';
import { type Estimate, pairedEstimate } from './paired.ts';
import type { PlannedTraining } from './retraining.ts';

/** Rows that belong together: a value of a column. */
export interface RowGroup {
  readonly value: string;
  /** Positions, rising. */
  readonly rows: readonly number[];
}

/** Trainings on unions of groups, every one for each seed. */
export interface GroupTrainings {
  readonly groups: readonly RowGroup[];
  /** `without`: all rows, and all but those of each group; `shapley`: every coalition of groups. */
  readonly how: 'without' | 'shapley';
  readonly trainings: readonly PlannedTraining[];
  /** Of `shapley` the groups that a training has, as the bits of a number; else 0 for all, g + 1 without group g. */
  readonly parts: readonly { readonly coalition: number; readonly seed: number }[];
}

/** What a group of rows does. */
export interface GroupEffect {
  readonly value: string;
  readonly rows: number;
  /** f with the group less f without it, or its Shapley value: positive where it helps. */
  readonly effect: Estimate;
}

/** Groups of which every coalition is trained at most: 4,096 trainings of each seed. */
export const mostShapleyGroups = 12;

/** The rows of each value of a column, the largest group first. @param heldOut rows that no training uses */
export function groupRows(values: readonly string[], heldOut: readonly number[] = []): RowGroup[] {
  const held = new Set(heldOut);
  const groups = new Map<string, number[]>();
  for (const [row, value] of values.entries()) {
    if (held.has(row)) continue;
    const rows = groups.get(value);
    if (rows) rows.push(row);
    else groups.set(value, [row]);
  }
  return [...groups].map(([value, rows]) => ({ value, rows })).sort((a, b) => b.rows.length - a.rows.length);
}

export interface GroupPlanOptions {
  /** Rows in all. */
  readonly rows: number;
  readonly groups: readonly RowGroup[];
  readonly how: GroupTrainings['how'];
  readonly seeds: readonly number[];
}

/**
 * Plans trainings on all rows and without each group, or on every coalition of groups; the empty coalition is the model
 * before its training.
 * @throws WhereforeError `invalid-argument` for fewer than two groups, `out-of-range` for more than 12 of which every
 *   coalition is wanted
 */
export function planGroups({ rows, groups, how, seeds }: GroupPlanOptions): GroupTrainings {
  const count = groups.length;
  if (count < 2)
    throw new WhereforeError('invalid-argument', 'there are no groups to tell apart', {
      got: `${count} value${count === 1 ? '' : 's'}`,
      fix: 'name a column with several values',
    });
  if (how === 'shapley' && count > mostShapleyGroups)
    throw new WhereforeError('out-of-range', 'too many groups for exact Shapley values', {
      got: `${count} groups: 2^${count} coalitions`,
      expected: `at most ${mostShapleyGroups}`,
      fix: 'name a column with fewer values, or leave out each group alone: --each-group',
    });
  const coalitions =
    how === 'shapley'
      ? Array.from({ length: 2 ** count }, (_, s) => s)
      : Array.from({ length: count + 1 }, (_, s) => s);
  const has = (s: number, g: number) => (how === 'shapley' ? ((s >> g) & 1) === 1 : s !== g + 1);
  const parts = seeds.flatMap((seed) => coalitions.map((coalition) => ({ coalition, seed })));
  const trainings = parts.map(({ coalition, seed }) => {
    const counts = new Uint32Array(rows);
    for (const [g, group] of groups.entries()) if (has(coalition, g)) for (const row of group.rows) counts[row] = 1;
    return { seed, counts };
  });
  return { groups, how, trainings, parts };
}

/** What each group does, seed by seed, with intervals over the seeds; the most harmful first. @param values f after each training */
export function groupEffects({ groups, how, parts }: GroupTrainings, values: readonly number[]): GroupEffect[] {
  const bySeed = new Map<number, number[]>();
  for (const [t, { seed }] of parts.entries()) bySeed.set(seed, [...(bySeed.get(seed) ?? []), values[t]]);
  const effects = [...bySeed.values()].map((own) => (how === 'shapley' ? shapley(own, groups.length) : lost(own)));
  return groups
    .map(({ value, rows }, g) => ({
      value,
      rows: rows.length,
      effect: pairedEstimate(effects.map((own) => own[g])),
    }))
    .sort((a, b) => a.effect.mean - b.effect.mean);
}

/** f of all rows less f without each group. */
const lost = ([all, ...without]: readonly number[]): number[] => without.map((value) => all - value);

const shapley = (values: readonly number[], count: number): number[] => [
  ...semivalueOf(
    values.map((value) => Float64Array.of(value)),
    count,
    new Float64Array(count).fill(1),
  ).data,
];
