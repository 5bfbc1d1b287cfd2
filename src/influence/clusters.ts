import { random } from '../tensor/random.ts';
import { type Matrix, rowOf, zeros } from './matrix.ts';

/** Rows that lie together. */
export interface Clustering {
  readonly count: number;
  /** Cluster of each row. */
  readonly assignment: Uint32Array;
  readonly centres: Matrix;
}

const mostRounds = 50;

/** The centre nearest to a row. */
export function nearestCentre(row: ArrayLike<number>, centres: Matrix): { centre: number; squared: number } {
  let [centre, squared] = [0, Number.POSITIVE_INFINITY];
  for (let c = 0; c < centres.rows; c++) {
    let sum = 0;
    for (let j = 0; j < centres.columns && sum < squared; j++) {
      const difference = row[j] - centres.data[c * centres.columns + j];
      sum += difference * difference;
    }
    if (sum < squared) [centre, squared] = [c, sum];
  }
  return { centre, squared };
}

/** K-means: centres drawn far from each other (k-means++, Arthur and Vassilvitskii 2007), then Lloyd's rounds to the end. */
export function kMeans(rows: Matrix, clusters: number, seed: number): Clustering {
  const count = Math.max(1, Math.min(clusters, rows.rows));
  const centres = zeros(count, rows.columns);
  const source = random(seed, 6);
  const far = new Float64Array(rows.rows).fill(Number.POSITIVE_INFINITY);
  let next = source.integer(rows.rows);
  for (let c = 0; c < count; c++) {
    centres.data.set(rowOf(rows, next), c * rows.columns);
    const newest = {
      rows: 1,
      columns: rows.columns,
      data: centres.data.subarray(c * rows.columns, (c + 1) * rows.columns),
    };
    let total = 0;
    for (let i = 0; i < rows.rows; i++) {
      far[i] = Math.min(far[i], nearestCentre(rowOf(rows, i), newest).squared);
      total += far[i];
    }
    let left = source.uniform() * total;
    next = 0;
    while (next < rows.rows - 1 && (left -= far[next]) > 0) next++;
  }
  const assignment = new Uint32Array(rows.rows);
  for (let round = 0; round < mostRounds; round++) {
    let moved = 0;
    for (let i = 0; i < rows.rows; i++) {
      const { centre } = nearestCentre(rowOf(rows, i), centres);
      if (centre !== assignment[i] || round === 0) moved++;
      assignment[i] = centre;
    }
    if (moved === 0) break;
    recentre(rows, assignment, centres);
  }
  return { count, assignment, centres };
}

/** Each centre becomes the mean of its rows; one without rows stays where it is. */
function recentre(rows: Matrix, assignment: Uint32Array, centres: Matrix): void {
  const sums = new Float64Array(centres.data.length);
  const counts = new Float64Array(centres.rows);
  for (let i = 0; i < rows.rows; i++) {
    const row = rowOf(rows, i);
    counts[assignment[i]]++;
    for (let j = 0; j < rows.columns; j++) sums[assignment[i] * rows.columns + j] += row[j];
  }
  for (let c = 0; c < centres.rows; c++) {
    if (counts[c] === 0) continue;
    for (let j = 0; j < rows.columns; j++) centres.data[c * rows.columns + j] = sums[c * rows.columns + j] / counts[c];
  }
}
