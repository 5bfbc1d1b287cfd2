import { choose, random } from '../tensor/random.ts';
import { dot, dotRows, type Matrix, rowOf } from './matrix.ts';

/** How near a query lies to the training rows, beside how near these lie to each other. */
export interface Familiarity {
  /** Mean distance (1 − cosine of representations) to the nearest training rows. */
  readonly distance: number;
  /** Part of the training rows that lie farther from their own neighbours than the query from its. */
  readonly fartherRows: number;
  /** Whether the model has seen few rows like the query: fewer than 5 % of the training rows are as alone. */
  readonly few: boolean;
  /** Training rows that it was compared with. */
  readonly compared: number;
}

/** Nearest rows whose mean distance counts. */
const neighbours = 10;

/** Part of the training rows below which a query counts as one of which few were seen. */
const fewShare = 0.05;

/** Products of numbers that the comparison may take. */
const mostProducts = 5e8;

/**
 * How familiar a query is. Its mean distance to its ten nearest training rows is compared with that of training rows to
 * their ten nearest others; of many rows a sample is drawn.
 * @param query one row
 * @param seed of the sample
 * @returns undefined for fewer than 20 training rows, of which nothing can be said
 */
export function familiarityOf(query: Matrix, rows: Matrix, seed: number): Familiarity | undefined {
  if (rows.rows < 2 * neighbours) return undefined;
  const units = unitRows(rows);
  const most = Math.max(100, Math.floor(mostProducts / (rows.rows * rows.columns)));
  const compared = Array.from(choose(rows.rows, Math.min(rows.rows, most), random(seed, 31)));
  const distance = meanNearest(rowOf(unitRows(query), 0), units, -1);
  let farther = 0;
  for (const row of compared) if (meanNearest(rowOf(units, row), units, row) >= distance) farther++;
  const fartherRows = farther / compared.length;
  return { distance, fartherRows, few: fartherRows < fewShare, compared: compared.length };
}

/** Rows divided by their lengths; a row of zeros stays one. */
function unitRows(of: Matrix): Matrix {
  const data = new Float64Array(of.rows * of.columns);
  for (let i = 0; i < of.rows; i++) {
    const row = rowOf(of, i);
    const length = Math.sqrt(dot(row, row));
    for (let j = 0; j < of.columns; j++) data[i * of.columns + j] = length > 0 ? row[j] / length : 0;
  }
  return { rows: of.rows, columns: of.columns, data };
}

/** Mean of the smallest distances of a row to the others. @param self its own place among them, −1 for none */
function meanNearest(row: Float64Array | Float32Array, units: Matrix, self: number): number {
  const nearest = new Float64Array(neighbours).fill(Number.POSITIVE_INFINITY);
  const cosines = dotRows({ rows: 1, columns: units.columns, data: row }, units).data;
  for (let i = 0; i < units.rows; i++) {
    const distance = 1 - cosines[i];
    if (i === self || distance >= nearest[neighbours - 1]) continue;
    let at = neighbours - 1;
    for (; at > 0 && nearest[at - 1] > distance; at--) nearest[at] = nearest[at - 1];
    nearest[at] = distance;
  }
  let sum = 0;
  for (const distance of nearest) sum += distance;
  return sum / neighbours;
}
