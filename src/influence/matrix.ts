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

/** `A Bᵀ`: the dot product of every row of A with every row of B, summed in float64. */
export function dotRows(a: Matrix, b: Matrix): Matrix64 {
  checkColumns(a, b);
  const result = zeros(a.rows, b.rows);
  const [x, y, columns] = [a.data, b.data, a.columns];
  for (let from = 0; from < columns; from += panel) {
    const to = Math.min(columns, from + panel);
    for (let i = 0; i < a.rows; i++) {
      const p = i * columns;
      for (let j = 0; j < b.rows; j++) {
        const q = j * columns;
        let sum = 0;
        for (let t = from; t < to; t++) sum += x[p + t] * y[q + t];
        result.data[i * b.rows + j] += sum;
      }
    }
  }
  return result;
}

/** `A B`, summed in float64. */
export function product(a: Matrix, b: Matrix): Matrix64 {
  if (a.columns !== b.rows)
    throw new WhereforeError('wrong-shape', 'matrices to multiply', {
      got: `${a.rows} × ${a.columns} and ${b.rows} × ${b.columns}`,
    });
  const result = zeros(a.rows, b.columns);
  for (let i = 0; i < a.rows; i++) {
    const to = result.data.subarray(i * b.columns, (i + 1) * b.columns);
    for (let k = 0; k < a.columns; k++) {
      const factor = a.data[i * a.columns + k];
      if (factor === 0) continue;
      const from = k * b.columns;
      for (let j = 0; j < b.columns; j++) to[j] += factor * b.data[from + j];
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
