import { WhereforeError } from '../../errors.ts';

/**
 * Solves `A x = b` for a symmetric positive definite matrix by Cholesky's decomposition `A = L Lᵀ`.
 * @param matrix n × n, row by row; its lower triangle is overwritten by L
 * @throws WhereforeError `invalid-argument` when the matrix is singular to working precision: too few samples
 */
export function solveSymmetric(matrix: Float64Array, vector: Float64Array): Float64Array {
  return solveFactored(factorise(matrix, vector.length), vector);
}

/** The lower triangle L of `A = L Lᵀ`, in place. @throws WhereforeError as {@link solveSymmetric} */
function factorise(matrix: Float64Array, n: number): Float64Array {
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
  return matrix;
}

function solveFactored(matrix: Float64Array, vector: Float64Array): Float64Array {
  const n = vector.length;
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

/** A fit with what it takes to say how sure it is. */
export interface Fit {
  readonly coefficients: Float64Array;
  /** L of the normal matrix `A = Xᵀ W X + λ = L Lᵀ`. */
  readonly factor: Float64Array;
}

/** Minimises `Σ_k w_k (y_k − Σ_j X_kj β_j)² + Σ_j λ_j β_j²` by the normal equations. */
export function weightedLeastSquares(
  { columns, fill }: Design,
  values: ArrayLike<number>,
  weights: ArrayLike<number>,
  penalty: ArrayLike<number> = new Float64Array(columns),
): Fit {
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
  const factor = factorise(normal, columns);
  return { coefficients: solveFactored(factor, right), factor };
}

/** Independent draws of the rows of a fit, each `times(k)` times. */
export interface Draws extends Design {
  readonly count: number;
  /** Residual of the draw with its weight: what `x_k` is multiplied with in the score. */
  residual(k: number): number;
  /** Weight of `x_k x_kᵀ` in the normal matrix. */
  weight(k: number): number;
  times(k: number): number;
}

/**
 * Standard errors of the coefficients of a fit over its draws, and of their sum: the spread of what leaving out one draw
 * changes, `u_k = A⁻¹ x_k r_k / (1 − w_k x_kᵀ A⁻¹ x_k)` (the jackknife, White's HC3).
 * @returns undefined where there are too few draws to tell
 * @source MacKinnon, White 1985; for KernelSHAP after Covert, Lee 2021, arXiv 2012.01536, section 4
 */
export function errorsOfFit(
  { factor }: Fit,
  { columns, fill, count, residual, weight, times }: Draws,
): { readonly each: Float64Array; readonly sum: number } | undefined {
  const [sums, squares] = [new Float64Array(columns + 1), new Float64Array(columns + 1)];
  const row = new Float64Array(columns);
  let drawn = 0;
  for (let k = 0; k < count; k++) {
    fill(k, row);
    const solved = solveFactored(factor, row);
    let leverage = 0;
    for (let j = 0; j < columns; j++) leverage += weight(k) * row[j] * solved[j];
    // A draw that decides a coefficient alone: without it there is no fit.
    if (leverage > 1 - 1e-9) return undefined;
    const [scale, often] = [residual(k) / (1 - leverage), times(k)];
    let total = 0;
    for (let j = 0; j <= columns; j++) {
      const change = j < columns ? solved[j] * scale : total;
      total += change;
      sums[j] += often * change;
      squares[j] += often * change ** 2;
    }
    drawn += often;
  }
  if (drawn < 2) return undefined;
  const spread = squares.map((square, j) =>
    Math.sqrt(Math.max(0, square - sums[j] ** 2 / drawn) * (drawn / (drawn - 1))),
  );
  return { each: spread.subarray(0, columns), sum: spread[columns] };
}
