import { WhereforeError } from '../../errors.ts';

/**
 * Solves `A x = b` for a symmetric positive definite matrix by Cholesky's decomposition `A = L Lᵀ`.
 * @param matrix n × n, row by row; its lower triangle is overwritten by L
 * @throws WhereforeError `invalid-argument` when the matrix is singular to working precision: too few samples
 */
export function solveSymmetric(matrix: Float64Array, vector: Float64Array): Float64Array {
  const n = vector.length;
  let largest = 0;
  for (let i = 0; i < n; i++) largest = Math.max(largest, matrix[i * n + i]);
  for (let column = 0; column < n; column++) {
    for (let row = column; row < n; row++) {
      let sum = matrix[row * n + column];
      for (let k = 0; k < column; k++) sum -= matrix[row * n + k] * matrix[column * n + k];
      if (row > column) matrix[row * n + column] = sum / matrix[column * n + column];
      else if (sum > 1e-12 * largest) matrix[column * n + column] = Math.sqrt(sum);
      else {
        throw new WhereforeError('invalid-argument', 'the samples do not determine the attributions', {
          got: `${n} unknowns of which some never vary on their own`,
          fix: 'take more samples, or fewer groups',
        });
      }
    }
  }
  const x = Float64Array.from(vector);
  for (let row = 0; row < n; row++) {
    for (let k = 0; k < row; k++) x[row] -= matrix[row * n + k] * x[k];
    x[row] /= matrix[row * n + row];
  }
  for (let row = n - 1; row >= 0; row--) {
    for (let k = row + 1; k < n; k++) x[row] -= matrix[k * n + row] * x[k];
    x[row] /= matrix[row * n + row];
  }
  return x;
}

/** Rows of X, made one after the other: together they may take many times what they are made from. */
export interface Design {
  readonly columns: number;
  /** Writes row k. */
  fill(k: number, row: Float64Array): void;
}

/** Minimises `Σ_k w_k (y_k − Σ_j X_kj β_j)² + Σ_j λ_j β_j²` by the normal equations. */
export function weightedLeastSquares(
  { columns, fill }: Design,
  values: ArrayLike<number>,
  weights: ArrayLike<number>,
  penalty: ArrayLike<number> = new Float64Array(columns),
): Float64Array {
  const normal = new Float64Array(columns * columns);
  const right = new Float64Array(columns);
  const row = new Float64Array(columns);
  for (let k = 0; k < values.length; k++) {
    fill(k, row);
    for (let i = 0; i < columns; i++) {
      const scaled = weights[k] * row[i];
      if (scaled === 0) continue;
      right[i] += scaled * values[k];
      for (let j = 0, at = i * columns; j <= i; j++) normal[at + j] += scaled * row[j];
    }
  }
  for (let i = 0; i < columns; i++) normal[i * columns + i] += penalty[i];
  return solveSymmetric(normal, right);
}
