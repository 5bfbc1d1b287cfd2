// Plain JavaScript, so that a worker thread runs it from the sources and from the build alike; types through JSDoc.

/**
 * `A = L Lᵀ` of a symmetric positive definite matrix.
 *
 * @param {Float64Array} matrix n×n, row-major; the lower triangle is read
 * @param {number} n
 * @returns {{ factor: Float64Array, failedAt: undefined } | { factor: undefined, failedAt: number }} L, zeros above the
 *   diagonal; or the row whose pivot is not above 0, where A is not positive definite
 */
export function cholesky(matrix, n) {
  const factor = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * n + j];
      for (let k = 0; k < j; k++) sum -= factor[i * n + k] * factor[j * n + k];
      if (i !== j) factor[i * n + j] = sum / factor[j * n + j];
      else if (sum > 0) factor[i * n + i] = Math.sqrt(sum);
      else return { factor: undefined, failedAt: i };
    }
  }
  return { factor, failedAt: undefined };
}

/**
 * The solution of `L Lᵀ x = b`.
 * @param {Float64Array} factor L, n×n @param {Float64Array} right b, n numbers
 */
export function solveCholesky(factor, right) {
  const n = right.length;
  const x = Float64Array.from(right);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i] -= factor[i * n + k] * x[k];
    x[i] /= factor[i * n + i];
  }
  for (let i = n - 1; i >= 0; i--) {
    x[i] /= factor[i * n + i];
    for (let k = 0; k < i; k++) x[k] -= factor[i * n + k] * x[i];
  }
  return x;
}
