import type { Matrix, Matrix64 } from './matrix.ts';
import { dotRows, rowOf, zeros } from './matrix.ts';

/** Some rows of {@link ProjectedRows}. */
export interface RowPiece {
  /** Position of the first row of `values` among all rows. */
  readonly first: number;
  /** Rows × Σ widths. */
  readonly values: Matrix;
}

/** Projected gradients of all rows: they may lie on disk, so they are read in pieces, as often as they are asked for. */
export interface ProjectedRows {
  readonly rows: number;
  /** Numbers of each block, which lie one after another in a row. */
  readonly widths: readonly number[];
  /** The rows in order. */
  pieces(): AsyncIterable<RowPiece>;
  /** Keeps, beside the rows, what `compute` makes of all of them: it is there for the next query. */
  readonly remembered?: (
    what: string,
    compute: () => Promise<readonly Float64Array[]>,
  ) => Promise<readonly Float64Array[]>;
}

/** Rows that are held, as one piece. */
export function heldRows(values: Matrix, widths: readonly number[]): ProjectedRows {
  return {
    rows: values.rows,
    widths,
    async *pieces() {
      yield { first: 0, values };
    },
  };
}

/** Columns `from` … `from + count` − 1. */
export interface ColumnRange {
  readonly from: number;
  readonly count: number;
}

/** The columns of each block. */
export function rangesOf(widths: readonly number[]): ColumnRange[] {
  let from = 0;
  return widths.map((count) => {
    const range = { from, count };
    from += count;
    return range;
  });
}

/**
 * `(1/n) Σ_i w_i² x_i x_iᵀ` over all rows, of the columns of each range, count × count.
 * @param what says which weights these are, where the rows remember
 */
export function secondMoments(
  of: ProjectedRows,
  ranges: readonly ColumnRange[],
  { what, weight = () => 1 }: { readonly what: string; readonly weight?: (row: number) => number },
): Promise<readonly Float64Array[]> {
  const compute = async () => {
    const sums = ranges.map(({ count }) => new Float64Array(count * count));
    for await (const { first, values } of of.pieces()) {
      for (const [r, range] of ranges.entries()) {
        const columns = columnsOf(values, range, (i) => weight(first + i));
        addSymmetric(sums[r], columns, range.count, values.rows);
      }
    }
    for (const [r, { count }] of ranges.entries()) completeMean(sums[r], count, of.rows);
    return sums;
  };
  return of.remembered ? of.remembered(`${what} ${ranges.map(({ count }) => count).join()}`, compute) : compute();
}

/** Columns as rows, weighted, so that their products run along memory. */
function columnsOf(
  { rows, columns, data }: Matrix,
  { from, count }: ColumnRange,
  weight: (i: number) => number,
): Float64Array {
  const turned = new Float64Array(count * rows);
  for (let i = 0; i < rows; i++) {
    const w = weight(i);
    for (let j = 0; j < count; j++) turned[j * rows + i] = w * data[i * columns + from + j];
  }
  return turned;
}

/** Adds the upper triangle of `X Xᵀ`, X count × length, two by two rows: each number that is read is used twice. */
function addSymmetric(sum: Float64Array, x: Float64Array, count: number, length: number): void {
  for (let i = 0; i < count; i += 2) {
    const hasSecond = i + 1 < count;
    const [p, q] = [i * length, (hasSecond ? i + 1 : i) * length];
    for (let j = i; j < count; j += 2) {
      const [r, s] = [j * length, (j + 1 < count ? j + 1 : j) * length];
      let [pr, ps, qr, qs] = [0, 0, 0, 0];
      for (let t = 0; t < length; t++) {
        const [a, b, c, d] = [x[p + t], x[q + t], x[r + t], x[s + t]];
        pr += a * c;
        ps += a * d;
        qr += b * c;
        qs += b * d;
      }
      sum[i * count + j] += pr;
      if (j + 1 < count) sum[i * count + j + 1] += ps;
      if (!hasSecond) continue;
      if (j > i) sum[(i + 1) * count + j] += qr;
      if (j + 1 < count) sum[(i + 1) * count + j + 1] += qs;
    }
  }
}

/** From the sums of the upper triangle to the mean of the whole. */
function completeMean(sum: Float64Array, count: number, rows: number): void {
  for (let i = 0; i < count; i++) {
    for (let j = i; j < count; j++) {
      sum[i * count + j] /= rows;
      sum[j * count + i] = sum[i * count + j];
    }
  }
}

/** `s_q · x_i` for every vector and row: vectors × rows. */
export async function dotsWith(of: ProjectedRows, vectors: Matrix64): Promise<Matrix64> {
  const result = zeros(vectors.rows, of.rows);
  for await (const { first, values } of of.pieces()) {
    const part = dotRows(vectors, values);
    for (let q = 0; q < vectors.rows; q++) result.data.set(rowOf(part, q), q * of.rows + first);
  }
  return result;
}
