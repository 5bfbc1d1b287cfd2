import * as z from 'zod/mini';
import { WhereforeError } from '../../errors.ts';
import { type Matrix64, rowOf } from '../matrix.ts';
import { spreadOf } from './calibration.ts';
import { planRemovals, type Removal, type RemovalOptions, removalKinds } from './removals.ts';

const schema = z.strictObject({
  format: z.literal('wherefore-calibration-plan'),
  version: z.literal(1),
  /** The queries, and the class that f of each is about. */
  queries: z.array(z.strictObject({ from: z.string(), target: z.int() })),
  removals: z.array(
    z.strictObject({ rows: z.array(z.int()), chosen: z.enum(removalKinds), query: z.optional(z.int()) }),
  ),
  /** Removals × queries. */
  predicted: z.array(z.number()),
  /** How much the scores of each query vary. */
  spreads: z.array(z.number()),
  seeds: z.array(z.number()),
});

/** What a calibration trains, kept so that one that was stopped goes on with the same rows. */
export type CalibrationPlan = z.infer<typeof schema>;

export interface PlanOptions extends RemovalOptions {
  readonly queries: CalibrationPlan['queries'];
  readonly seeds: readonly number[];
}

/** Plans the removals of a calibration, and what the scores say of them. */
export function planCalibration({ queries, seeds, ...options }: PlanOptions): CalibrationPlan {
  const removals = planRemovals(options);
  return {
    format: 'wherefore-calibration-plan',
    version: 1,
    queries,
    removals: removals.map((one) => ({ ...one, rows: [...one.rows] })),
    predicted: predictedChanges(options.scores, removals),
    spreads: Array.from({ length: options.scores.rows }, (_, q) => spreadOf(rowOf(options.scores, q))),
    seeds: [...seeds],
  };
}

/** `−Σ τ_i` over the rows of each removal, for every query: removals × queries. */
export function predictedChanges(scores: Matrix64, removals: readonly Removal[]): number[] {
  return removals.flatMap(({ rows }) =>
    Array.from({ length: scores.rows }, (_, q) => {
      let sum = 0;
      for (const row of rows) sum -= scores.data[q * scores.columns + row];
      return sum;
    }),
  );
}

/** A plan from a file. @throws WhereforeError `invalid-data` */
export function readCalibrationPlan(text: string, where: string): CalibrationPlan {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new WhereforeError('invalid-data', 'not the plan of a calibration', {
      where,
      fix: 'remove the file: it is made anew',
    });
  }
}
