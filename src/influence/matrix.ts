import { WhereforeError } from '../errors.ts';

/** Numbers in rows and columns, row-major. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array | Float32Array;
}

/** A matrix in float64. */
export interface Matrix64 extends Matrix {
  readonly data: Float64Array;
}

/** A matrix of zeros, in float64. */
export function zeros(rows: number, columns: number): Matrix64 {
  return { rows, columns, data: new Float64Array(rows * columns) };
}

/** Ones on the diagonal. */
export function identity(size: number): Matrix64 {
  const result = zeros(size, size);
  for (let i = 0; i < size; i++) result.data[i * size + i] = 1;
  return result;
}

/** A matrix over numbers, which are not copied. @throws WhereforeError `wrong-shape` where they do not fill it */
export function matrix(rows: number, columns: number, data: Float64Array | Float32Array): Matrix {
  if (data.length !== rows * columns)
    throw new WhereforeError('wrong-shape', 'a matrix', {
      got: `${data.length} numbers`,
      expected: `${rows} × ${columns}`,
    });
  return { rows, columns, data };
}

/** A matrix from rows of equal length. */
export function matrixOf(rows: readonly ArrayLike<number>[]): Matrix {
  const result = zeros(rows.length, rows[0]?.length ?? 0);
  rows.forEach((row, i) => {
    result.data.set(row, i * result.columns);
  });
  return result;
}

/** Row `i`: a view, no copy. */
export function rowOf({ columns, data }: Matrix, i: number): Float64Array | Float32Array {
  return data.subarray(i * columns, (i + 1) * columns);
}

/** Some rows, copied in the given order. */
export function takeMatrixRows(of: Matrix, indices: ArrayLike<number>): Matrix {
  const result = zeros(indices.length, of.columns);
  for (let i = 0; i < indices.length; i++) result.data.set(rowOf(of, indices[i]), i * of.columns);
  return result;
}

/** Σ_j a_j b_j, from the first number of each. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j] * b[j];
  return sum;
}

/** Columns that are worked on at a time: the panels of both sides stay in the processor's cache. */
const panel = 512;

/**
 * `A Bᵀ`: the dot product of every row of A with every row of B, summed in float64. Four rows of B at a time: their sums
 * do not wait for each other.
 */
export function dotRows(a: Matrix, b: Matrix): Matrix64 {
  checkColumns(a, b);
  const result = zeros(a.rows, b.rows);
  const [x, y, z, columns] = [a.data, b.data, result.data, a.columns];
  for (let from = 0; from < columns; from += panel) {
    const to = Math.min(columns, from + panel);
    for (let i = 0; i < a.rows; i++) {
      const [p, r] = [i * columns, i * b.rows];
      let j = 0;
      for (; j + 3 < b.rows; j += 4) {
        const q = j * columns;
        const [q1, q2, q3] = [q + columns, q + 2 * columns, q + 3 * columns];
        let [s0, s1, s2, s3] = [0, 0, 0, 0];
        for (let t = from; t < to; t++) {
          const factor = x[p + t];
          s0 += factor * y[q + t];
          s1 += factor * y[q1 + t];
          s2 += factor * y[q2 + t];
          s3 += factor * y[q3 + t];
        }
        z[r + j] += s0;
        z[r + j + 1] += s1;
        z[r + j + 2] += s2;
        z[r + j + 3] += s3;
      }
      for (; j < b.rows; j++) {
        const q = j * columns;
        let sum = 0;
        for (let t = from; t < to; t++) sum += x[p + t] * y[q + t];
        z[r + j] += sum;
      }
    }
  }
  return result;
}

/** `A B`, summed in float64: four rows of B at a time, so that the sums are read and written once for them. */
export function product(a: Matrix, b: Matrix): Matrix64 {
  if (a.columns !== b.rows)
    throw new WhereforeError('wrong-shape', 'matrices to multiply', {
      got: `${a.rows} × ${a.columns} and ${b.rows} × ${b.columns}`,
    });
  const result = zeros(a.rows, b.columns);
  const [x, y, z, inner, columns] = [a.data, b.data, result.data, a.columns, b.columns];
  for (let i = 0; i < a.rows; i++) {
    const [p, r] = [i * inner, i * columns];
    let k = 0;
    for (; k + 3 < inner; k += 4) {
      const [f0, f1, f2, f3] = [x[p + k], x[p + k + 1], x[p + k + 2], x[p + k + 3]];
      if (f0 === 0 && f1 === 0 && f2 === 0 && f3 === 0) continue;
      const q = k * columns;
      const [q1, q2, q3] = [q + columns, q + 2 * columns, q + 3 * columns];
      for (let j = 0; j < columns; j++)
        z[r + j] = z[r + j] + f0 * y[q + j] + f1 * y[q1 + j] + f2 * y[q2 + j] + f3 * y[q3 + j];
    }
    for (; k < inner; k++) {
      const [factor, q] = [x[p + k], k * columns];
      if (factor !== 0) for (let j = 0; j < columns; j++) z[r + j] += factor * y[q + j];
    }
  }
  return result;
}

/** The matrix with rows and columns exchanged. */
export function transposed(a: Matrix): Matrix64 {
  const result = zeros(a.columns, a.rows);
  for (let i = 0; i < a.rows; i++)
    for (let j = 0; j < a.columns; j++) result.data[j * a.rows + i] = a.data[i * a.columns + j];
  return result;
}

/** A matrix times a number. */
export function times(a: Matrix64, factor: number): Matrix64 {
  const data = new Float64Array(a.data.length);
  for (let j = 0; j < data.length; j++) data[j] = factor * a.data[j];
  return { rows: a.rows, columns: a.columns, data };
}

/** Σ_j a_ij² of every row. */
export function squaredNorms(a: Matrix): Float64Array {
  const norms = new Float64Array(a.rows);
  for (let i = 0; i < a.rows; i++) {
    const row = rowOf(a, i);
    norms[i] = dot(row, row);
  }
  return norms;
}

/** @throws WhereforeError `wrong-shape` where the columns of two matrices differ in number */
export function checkColumns(a: Matrix, b: Matrix): void {
  if (a.columns === b.columns) return;
  throw new WhereforeError('wrong-shape', 'rows to compare have different lengths', {
    got: `${a.columns} and ${b.columns}`,
  });
}
