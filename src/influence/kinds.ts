import { maxOf } from '../tensor/extremes.ts';
import { random } from '../tensor/random.ts';
import { kMeans, nearestCentre } from './clusters.ts';
import type { GradientMaterial } from './gradient-material.ts';
import { type Matrix64, rowOf, zeros } from './matrix.ts';
import { preconditionedProducts } from './methods/projected.ts';
import { sortedRows } from './sorted-rows.ts';

/** Training rows that act on f alike. */
export interface RowKind {
  /** Whether they raise f. */
  readonly helps: boolean;
  /** Positions in the data, those nearest to the others of the kind first. */
  readonly rows: readonly number[];
  /** Sum of their scores. */
  readonly score: number;
  /** Its share of the sum over all rows that were sorted into kinds, of the same sign. */
  readonly share: number;
  /** Mean cosine of two of its rows; and of one of its rows with one of the nearest other kind, where there is one. */
  readonly alike: number;
  readonly others?: number;
  /** Values of columns that at least half of its rows have, twice as often as all rows or more; the rarest first. */
  readonly marks: readonly KindMark[];
}

export interface KindMark {
  readonly column: string;
  readonly value: string;
  /** Share of the kind's rows with the value, and of all rows. */
  readonly share: number;
  readonly ofData: number;
}

/** Directions of each side of a layer, and damping as a share of the mean second moment. */
const projection = { side: 16, share: 10 };

/** Kinds of each sign at most. */
const mostKinds = 8;

/** Rows of a sign below which there is nothing to sort. */
const leastRows = 8;

/** Mean silhouette from which rows are of several kinds: below it a cut goes through what belongs together. */
const leastSilhouette = 0.15;

/** Of two numbers of kinds whose silhouettes differ by no more, the smaller is taken. */
const slack = 0.02;

/**
 * Sorts the strongest rows of each sign by *why* they act: their gradients, preconditioned, `⟨g_i, H⁻¹ g_j⟩ /
 * √(⟨g_i, H⁻¹ g_i⟩ ⟨g_j, H⁻¹ g_j⟩)`, with `H` the damped second moment of gradients projected block by block, as LoGra
 * has it, but damped by ten times its mean: with less, rows that act alike are hardly nearer to each other than to others.
 * Rows are clustered by their cosines with all the others (k-means, best of ten starts), into as many kinds as have the
 * largest mean silhouette.
 * @param scores of every row for f
 * @param columns values by row, for what tells a kind from the data
 */
export async function rowKinds(
  gradients: GradientMaterial,
  scores: ArrayLike<number>,
  columns: ReadonlyMap<string, readonly string[]>,
  { seed }: { readonly seed: number },
): Promise<RowKind[]> {
  const signs = [1, -1].map((sign) => strongest(scores, sign));
  const all = signs.flat();
  if (all.length === 0) return [];
  const cosines = cosinesOf(await preconditionedProducts(gradients, all, { ...projection, seed }));
  const kinds: Omit<RowKind, 'marks'>[] = [];
  let from = 0;
  for (const rows of signs) {
    const own = square(cosines, from, rows.length);
    from += rows.length;
    if (rows.length === 0) continue;
    const assignment = clustered(own, seed);
    const sum = rows.reduce((total, row) => total + scores[row], 0);
    for (const members of membersOf(assignment)) kinds.push(kindOf(members, { rows, own, assignment, scores, sum }));
  }
  return kinds
    .map((kind) => ({ ...kind, marks: marksOf(kind.rows, columns) }))
    .sort((a, b) => Math.abs(b.score) - Math.abs(a.score));
}

/** Rows of a sign, the strongest first, until they hold their share of the sum; at least {@link leastRows} where there are. */
function strongest(scores: ArrayLike<number>, sign: number): number[] {
  const order: number[] = [];
  let left = 0;
  for (let i = 0; i < scores.length; i++)
    if (sign * scores[i] > 0) {
      order.push(i);
      left += sortedRows.share * sign * scores[i];
    }
  order.sort((a, b) => sign * (scores[b] - scores[a]) || a - b);
  let count = 0;
  while (count < Math.min(sortedRows.most, order.length) && (left > 0 || count < leastRows))
    left -= sign * scores[order[count++]];
  return order.slice(0, count);
}

function cosinesOf(products: Matrix64): Matrix64 {
  const cosines = zeros(products.rows, products.columns);
  for (let i = 0; i < products.rows; i++)
    for (let j = 0; j < products.columns; j++) {
      const norm = Math.sqrt(products.data[i * products.columns + i] * products.data[j * products.columns + j]);
      cosines.data[i * products.columns + j] = norm > 0 ? products.data[i * products.columns + j] / norm : 0;
    }
  return cosines;
}

/** The part of a square matrix from one row on, as many rows and columns. */
function square(of: Matrix64, from: number, count: number): Matrix64 {
  const part = zeros(count, count);
  for (let i = 0; i < count; i++) part.data.set(rowOf(of, from + i).subarray(from, from + count), i * count);
  return part;
}

/** Cluster of each row, from 0, by its cosines with the others. */
function clustered(cosines: Matrix64, seed: number): Uint32Array {
  const count = cosines.rows;
  const tried = [{ silhouette: leastSilhouette, assignment: new Uint32Array(count) }];
  for (let k = 2; k <= Math.min(mostKinds, Math.floor(count / 4)); k++) {
    const assignment = bestStart(cosines, k, seed);
    tried.push({ silhouette: meanSilhouette(cosines, assignment), assignment });
  }
  let most = leastSilhouette;
  for (const { silhouette } of tried) if (silhouette > most) most = silhouette;
  return (tried.find(({ silhouette }) => silhouette >= most - slack) as (typeof tried)[0]).assignment;
}

const starts = 10;

/** Of ten starts of k-means the one with the least distances to the centres. */
function bestStart(rows: Matrix64, k: number, seed: number): Uint32Array<ArrayBuffer> {
  let best = { spread: Number.POSITIVE_INFINITY, assignment: new Uint32Array(rows.rows) };
  const source = random(seed, 61);
  for (let start = 0; start < starts; start++) {
    const { assignment, centres } = kMeans(rows, k, source.integer(2 ** 30));
    let spread = 0;
    for (let i = 0; i < rows.rows; i++) spread += nearestCentre(rowOf(rows, i), centres).squared;
    if (spread < best.spread) best = { spread, assignment: new Uint32Array(assignment) };
  }
  return best.assignment;
}

/** Mean cosine of a row with the rows of each cluster, without itself; NaN where it has none. */
function meanCosines(cosines: Matrix64, assignment: Uint32Array, i: number): Float64Array {
  const k = maxOf(assignment) + 1;
  const [sums, counts] = [new Float64Array(k), new Float64Array(k)];
  for (let j = 0; j < cosines.rows; j++) {
    if (j === i) continue;
    sums[assignment[j]] += cosines.data[i * cosines.columns + j];
    counts[assignment[j]]++;
  }
  return sums.map((sum, c) => sum / counts[c]);
}

/** Rousseeuw 1987, with distances 1 − cosine; a row alone in its cluster counts 0. */
function meanSilhouette(cosines: Matrix64, assignment: Uint32Array): number {
  let sum = 0;
  for (let i = 0; i < cosines.rows; i++) {
    const means = meanCosines(cosines, assignment, i);
    const [own, other] = [1 - means[assignment[i]], 1 - nearestOther(means, assignment[i])];
    if (!Number.isNaN(own) && Math.max(own, other) > 0) sum += (other - own) / Math.max(own, other);
  }
  return sum / cosines.rows;
}

/** The largest mean cosine with another cluster. */
function nearestOther(means: Float64Array, own: number): number {
  let best = Number.NEGATIVE_INFINITY;
  for (const [c, mean] of means.entries()) if (c !== own && mean > best) best = mean;
  return best;
}

function membersOf(assignment: Uint32Array): number[][] {
  const members: number[][] = Array.from({ length: maxOf(assignment) + 1 }, () => []);
  for (const [i, c] of assignment.entries()) members[c].push(i);
  return members.filter((one) => one.length > 0);
}

interface Sorted {
  readonly rows: readonly number[];
  readonly own: Matrix64;
  readonly assignment: Uint32Array;
  readonly scores: ArrayLike<number>;
  readonly sum: number;
}

function kindOf(members: readonly number[], { rows, own, assignment, scores, sum }: Sorted): Omit<RowKind, 'marks'> {
  const means = members.map((i) => meanCosines(own, assignment, i));
  const [cluster] = members.map((i) => assignment[i]);
  const mean = (values: readonly number[]) => values.reduce((total, value) => total + value, 0) / values.length;
  const score = members.reduce((total, i) => total + scores[rows[i]], 0);
  const others = mean(means.map((one) => nearestOther(one, cluster)));
  const order = members.map((_, m) => m).sort((a, b) => means[b][cluster] - means[a][cluster] || a - b);
  return {
    helps: score > 0,
    rows: order.map((m) => rows[members[m]]),
    score,
    share: score / sum,
    alike: members.length > 1 ? mean(means.map((one) => one[cluster])) : 1,
    ...(Number.isFinite(others) && { others }),
  };
}

/** Most marks of a kind that are told. */
const mostMarks = 5;

/** Values that at least half of a kind's rows have, and that are at least twice as frequent there as in the data. */
function marksOf(rows: readonly number[], columns: ReadonlyMap<string, readonly string[]>): KindMark[] {
  const marks: KindMark[] = [];
  for (const [column, values] of columns) {
    const all = countsOf(values);
    for (const [value, count] of countsOf(rows.map((row) => values[row]))) {
      const [share, ofData] = [count / rows.length, (all.get(value) as number) / values.length];
      if (share >= 0.5 && share >= 2 * ofData) marks.push({ column, value, share, ofData });
    }
  }
  return marks.sort((a, b) => b.share / b.ofData - a.share / a.ofData).slice(0, mostMarks);
}

function countsOf(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}
