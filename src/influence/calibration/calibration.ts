import { WhereforeError } from '../../errors.ts';
import { spearman } from '../../tensor/correlation.ts';
import { type Estimate, pairedEstimate, studentQuantile } from '../retraining/paired.ts';
import type { Removal, RemovalKind } from './removals.ts';

/** One removal and one query: what the scores say that f changes by, and what it did. */
export interface CalibrationPoint {
  readonly removal: number;
  readonly query: number;
  /** `−Σ τ_i` over the rows that are left out, in the unit of the scores. */
  readonly predicted: number;
  /** f without the rows less f with them, the mean over the seeds. */
  readonly measured: number;
}

/** What removals of one size show. */
export interface CalibratedSize {
  readonly rows: number;
  readonly points: number;
  /** Measured change for one of predicted change, of these removals alone. */
  readonly slope: number;
  /** Root mean square of what the common slope does not explain. */
  readonly scatter: number;
}

/** How predicted changes of f become measured ones. */
export interface Calibration {
  readonly points: readonly CalibrationPoint[];
  /** Measured change for one of predicted change, with a 95 % interval over seeds, removals and queries. */
  readonly slope: Estimate;
  /** Root mean square of measured less slope × predicted. */
  readonly scatter: number;
  /** `1 − Σ (m − b p)²/Σ (m − m̄)²`; below 0 where the scores say less than a constant. */
  readonly r2: number;
  /** Of predicted and measured, over all points; absent where one of them does not vary. */
  readonly spearman?: number;
  readonly bySize: readonly CalibratedSize[];
  /** The removals: how many rows, chosen how. */
  readonly removals: readonly { readonly rows: number; readonly chosen: RemovalKind }[];
}

export interface Measured {
  /** `−Σ τ_i` over the rows of each removal, for every query: removals × queries. */
  readonly predicted: ArrayLike<number>;
  readonly removals: readonly Removal[];
  readonly queries: number;
  readonly seeds: number;
  /** f of every query after each training of `calibrationTrainings`: seeds × (1 + removals) × queries. */
  readonly values: Float64Array;
}

/** A point with the change of each seed. */
interface SeedPoint {
  readonly removal: number;
  readonly query: number;
  readonly size: number;
  readonly predicted: number;
  readonly changes: Float64Array;
  readonly measured: number;
}

/** Removals without which a slope has no interval worth the name. */
export const leastRemovals = 10;

/**
 * Fits measured to predicted changes by a line through 0 (without a change nothing changes): least squares in which
 * every size of removal weighs by `1/mean m²`, so that the largest do not decide alone. The interval adds the spread over
 * the seeds (paired: both trainings of a seed start alike) and the jackknives over the removals and over the queries.
 * @throws WhereforeError `invalid-argument` for one seed or too few removals; `out-of-range` where nothing is predicted
 */
export function calibrateEffects({ predicted, removals, queries, seeds, values }: Measured): Calibration {
  if (seeds < 2 || removals.length < leastRemovals)
    throw new WhereforeError('invalid-argument', 'too few trainings to calibrate by', {
      got: `${seeds} seeds, ${removals.length} removals`,
      expected: `at least 2 seeds and ${leastRemovals} removals`,
    });
  const points = pointsOf({ predicted, removals, queries, seeds, values });
  const weights = weightsBySize(points);
  const slopeOf = (of: readonly SeedPoint[], change: (point: SeedPoint) => number) => {
    let [products, squares] = [0, 0];
    for (const point of of) {
      const weight = weights.get(point.size) as number;
      products += weight * point.predicted * change(point);
      squares += weight * point.predicted ** 2;
    }
    return products / squares;
  };
  const mean = slopeOf(points, ({ measured }) => measured);
  if (!Number.isFinite(mean))
    throw new WhereforeError('out-of-range', 'there is nothing to calibrate', {
      got: 'predicted or measured changes that are all 0',
    });
  const bySeed = Array.from({ length: seeds }, (_, s) => slopeOf(points, ({ changes }) => changes[s]));
  const { high = mean } = pairedEstimate(bySeed);
  const jackknife = (of: 'removal' | 'query', count: number) =>
    jackknifeError(count, (k) =>
      slopeOf(
        points.filter((point) => point[of] !== k),
        ({ measured }) => measured,
      ),
    );
  const half = Math.hypot(
    high - mean,
    studentQuantile(removals.length - 1) * jackknife('removal', removals.length),
    queries > 1 ? studentQuantile(queries - 1) * jackknife('query', queries) : 0,
  );
  const pairs = { predicted: points.map((one) => one.predicted), measured: points.map((one) => one.measured) };
  const rank = spearman(pairs.predicted, pairs.measured);
  return {
    points: points.map(({ removal, query, predicted, measured }) => ({ removal, query, predicted, measured })),
    slope: { mean, low: mean - half, high: mean + half },
    scatter: scatterOf(points, mean),
    r2: explained(pairs, mean),
    ...(rank !== undefined && { spearman: rank }),
    bySize: sizesOf(points).map((size) => {
      const own = points.filter((point) => point.size === size);
      const slope = slopeOf(own, ({ measured }) => measured);
      return { rows: size, points: own.length, slope, scatter: scatterOf(own, mean) };
    }),
    removals: removals.map(({ rows, chosen }) => ({ rows: rows.length, chosen })),
  };
}

function pointsOf({ predicted, removals, queries, seeds, values }: Measured): SeedPoint[] {
  const each = (1 + removals.length) * queries;
  return removals.flatMap(({ rows }, j) =>
    Array.from({ length: queries }, (_, q): SeedPoint => {
      const changes = new Float64Array(seeds);
      let measured = 0;
      for (let s = 0; s < seeds; s++) {
        changes[s] = values[s * each + (1 + j) * queries + q] - values[s * each + q];
        measured += changes[s] / seeds;
      }
      return { removal: j, query: q, size: rows.length, predicted: predicted[j * queries + q], changes, measured };
    }),
  );
}

const sizesOf = (points: readonly SeedPoint[]) => [...new Set(points.map(({ size }) => size))].sort((a, b) => a - b);

/** `1/mean m²` of each size; 0 where nothing changed. */
function weightsBySize(points: readonly SeedPoint[]): Map<number, number> {
  return new Map(
    sizesOf(points).map((size) => {
      const own = points.filter((point) => point.size === size);
      const square = own.reduce((sum, { measured }) => sum + measured ** 2, 0) / own.length;
      return [size, square > 0 ? 1 / square : 0];
    }),
  );
}

function scatterOf(points: readonly SeedPoint[], slope: number): number {
  const sum = points.reduce((all, { predicted, measured }) => all + (measured - slope * predicted) ** 2, 0);
  return Math.sqrt(sum / points.length);
}

function explained({ predicted, measured }: Readonly<Record<'predicted' | 'measured', number[]>>, slope: number) {
  const mean = measured.reduce((sum, one) => sum + one, 0) / measured.length;
  let [left, all] = [0, 0];
  for (const [i, one] of measured.entries()) {
    left += (one - slope * predicted[i]) ** 2;
    all += (one - mean) ** 2;
  }
  return 1 - left / all;
}

/** Standard error of a number by leaving out each of `count` parts. */
function jackknifeError(count: number, without: (k: number) => number): number {
  const values = Array.from({ length: count }, (_, k) => without(k));
  const mean = values.reduce((sum, one) => sum + one, 0) / count;
  return Math.sqrt(((count - 1) / count) * values.reduce((sum, one) => sum + (one - mean) ** 2, 0));
}

/** How many times as many rows as the largest removal a change may have to be calibrated by it. */
const reach = 1.5;

/**
 * A predicted change as a measured one: `b p`, with a 95 % interval for what retraining would show, from that of the slope
 * and the scatter of removals of about as many rows. Undefined for more rows than were ever left out together.
 * @param rows that are changed
 */
export function calibratedEffect(
  { slope, bySize }: Pick<Calibration, 'slope' | 'bySize'>,
  predicted: number,
  rows: number,
): Estimate | undefined {
  if (rows > reach * bySize[bySize.length - 1].rows) return undefined;
  const distance = (size: number) => Math.abs(Math.log(size / rows));
  const near = bySize.reduce((best, one) => (distance(one.rows) < distance(best.rows) ? one : best));
  const mean = slope.mean * predicted;
  const half = Math.hypot(
    ((slope.high ?? slope.mean) - slope.mean) * predicted,
    studentQuantile(near.points) * near.scatter,
  );
  return { mean, low: mean - half, high: mean + half };
}
