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
  /** Root mean square of what the common slope does not explain, in the unit of f. */
  readonly scatter: number;
  /** The same as a share of √rows · spread, see {@link spreadOf}: what intervals of other queries are made of. */
  readonly relative: number;
}

/** How predicted changes of f become measured ones. */
export interface Calibration {
  readonly points: readonly CalibrationPoint[];
  /** Measured change for one of predicted change, with a 95 % interval over seeds, removals and queries. */
  readonly slope: Estimate;
  /** Root mean square of measured less slope × predicted. */
  readonly scatter: number;
  /** `1 − Σ (m − b p)²/Σ (m − m̄)²`, every query in its own spread; below 0 where the scores say less than a constant. */
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
  /** {@link spreadOf} the scores of every query. */
  readonly spreads: readonly number[];
  readonly seeds: number;
  /** f of every query after each training of `calibrationTrainings`: seeds × (1 + removals) × queries. */
  readonly values: Float64Array;
}

/**
 * How much the scores of a query vary: `√(mean τ²)`. Effects of a query of which the model is sure are smaller than those
 * of one that it wavers about, and so is their scatter: a set of r random rows is predicted to do √r times that.
 */
export function spreadOf(scores: ArrayLike<number>): number {
  let squares = 0;
  for (let i = 0; i < scores.length; i++) squares += scores[i] ** 2;
  return Math.sqrt(squares / scores.length);
}

/** A point with the change of each seed. */
interface SeedPoint {
  readonly removal: number;
  readonly query: number;
  readonly size: number;
  /** `√size · spread` of the query. */
  readonly scale: number;
  readonly predicted: number;
  readonly changes: Float64Array;
  readonly measured: number;
}

/** Removals without which a slope has no interval worth the name. */
export const leastRemovals = 10;

/**
 * Fits measured to predicted changes by a line through 0 (without a change nothing changes): least squares in which
 * every query counts in its own spread and every size of removal by `1/mean m²`, so that neither uncertain queries nor
 * large removals decide alone. The interval adds the spread over
 * the seeds (paired: both trainings of a seed start alike) and the jackknives over the removals and over the queries.
 * @throws WhereforeError `invalid-argument` for one seed or too few removals; `out-of-range` where nothing is predicted
 */
export function calibrateEffects({ predicted, removals, spreads, seeds, values }: Measured): Calibration {
  if (seeds < 2 || removals.length < leastRemovals)
    throw new WhereforeError('invalid-argument', 'too few trainings to calibrate by', {
      got: `${seeds} seeds, ${removals.length} removals`,
      expected: `at least 2 seeds and ${leastRemovals} removals`,
    });
  const points = pointsOf({ predicted, removals, spreads, seeds, values });
  const weights = weightsBySize(points);
  const slopeOf = (of: readonly SeedPoint[], change: (point: SeedPoint) => number) => {
    let [products, squares] = [0, 0];
    for (const point of of) {
      const weight = (weights.get(point.size) as number) / point.scale ** 2;
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
  const queries = spreads.length;
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
  const inSpreads = (of: 'predicted' | 'measured') => points.map((one) => one[of] / one.scale);
  const pairs = { predicted: inSpreads('predicted'), measured: inSpreads('measured') };
  const rank = spearman(pairs.predicted, pairs.measured);
  return {
    points: points.map(({ removal, query, predicted, measured }) => ({ removal, query, predicted, measured })),
    slope: { mean, low: mean - half, high: mean + half },
    scatter: scatterOf(points, mean, () => 1),
    r2: explained(pairs, mean),
    ...(rank !== undefined && { spearman: rank }),
    bySize: sizesOf(points).map((size) => {
      const own = points.filter((point) => point.size === size);
      const slope = slopeOf(own, ({ measured }) => measured);
      const [scatter, relative] = [scatterOf(own, mean, () => 1), scatterOf(own, mean, ({ scale }) => scale)];
      return { rows: size, points: own.length, slope, scatter, relative };
    }),
    removals: removals.map(({ rows, chosen }) => ({ rows: rows.length, chosen })),
  };
}

function pointsOf({ predicted, removals, spreads, seeds, values }: Measured): SeedPoint[] {
  const queries = spreads.length;
  const each = (1 + removals.length) * queries;
  // A query that no row has a score for says nothing.
  const told = Array.from(spreads.keys()).filter((q) => spreads[q] > 0);
  return removals.flatMap(({ rows }, j) =>
    told.map((q): SeedPoint => {
      const changes = new Float64Array(seeds);
      let measured = 0;
      for (let s = 0; s < seeds; s++) {
        changes[s] = values[s * each + (1 + j) * queries + q] - values[s * each + q];
        measured += changes[s] / seeds;
      }
      return {
        removal: j,
        query: q,
        size: rows.length,
        scale: Math.sqrt(rows.length) * spreads[q],
        predicted: predicted[j * queries + q],
        changes,
        measured,
      };
    }),
  );
}

const sizesOf = (points: readonly SeedPoint[]) => [...new Set(points.map(({ size }) => size))].sort((a, b) => a - b);

/** `1/mean m²` of each size, every query in its own spread; 0 where nothing changed. */
function weightsBySize(points: readonly SeedPoint[]): Map<number, number> {
  return new Map(
    sizesOf(points).map((size) => {
      const own = points.filter((point) => point.size === size);
      const square = own.reduce((sum, { measured, scale }) => sum + (measured / scale) ** 2, 0) / own.length;
      return [size, square > 0 ? 1 / square : 0];
    }),
  );
}

/** Root mean square of what the slope leaves, in units of each point. */
function scatterOf(points: readonly SeedPoint[], slope: number, unit: (point: SeedPoint) => number): number {
  let sum = 0;
  for (const point of points) sum += ((point.measured - slope * point.predicted) / unit(point)) ** 2;
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
 * @param change `rows` that are changed, and the {@link spreadOf} the scores of the query
 */
export function calibratedEffect(
  { slope, bySize }: Pick<Calibration, 'slope' | 'bySize'>,
  predicted: number,
  { rows, spread }: { readonly rows: number; readonly spread: number },
): Estimate | undefined {
  if (rows > reach * bySize[bySize.length - 1].rows) return undefined;
  const distance = (size: number) => Math.abs(Math.log(size / rows));
  const near = bySize.reduce((best, one) => (distance(one.rows) < distance(best.rows) ? one : best));
  const mean = slope.mean * predicted;
  const half = Math.hypot(
    ((slope.high ?? slope.mean) - slope.mean) * predicted,
    studentQuantile(near.points) * near.relative * Math.sqrt(rows) * spread,
  );
  return { mean, low: mean - half, high: mean + half };
}
