// Plain JavaScript, so that a worker thread runs it from the sources and from the build alike; types through JSDoc.
import { tridiagonalEigen } from './divide-and-conquer.js';
import { applyReflections, tridiagonalise } from './tridiagonal.js';

/**
 * `A = Q diag(λ) Qᵀ` of a symmetric matrix: tridiagonalisation, divide and conquer, back transformation.
 *
 * @param {Float64Array} matrix n×n, row-major, of finite numbers; the upper triangle is read
 * @param {number} n
 * @returns {{ values: Float64Array, vectors: Float64Array }} λ ascending; row i of `vectors` is the eigenvector of λ_i, of
 *   length 1. (As columns, as most libraries give them, they would be `Q`; these rows are `Qᵀ`.)
 */
export function symmetricEigen(matrix, n) {
  let scale = 0;
  for (const value of matrix) scale = Math.max(scale, Math.abs(value));
  const vectors = new Float64Array(n * n);
  if (scale === 0) {
    for (let i = 0; i < n; i++) vectors[i * n + i] = 1;
    return { values: new Float64Array(n), vectors };
  }
  const a = matrix.map((value) => value / scale);
  const { diagonal, off, tau } = tridiagonalise(a, n);
  tridiagonalEigen(diagonal, off, vectors);
  applyReflections(a, tau, vectors, n);
  const order = Array.from(diagonal.keys()).sort((i, j) => diagonal[i] - diagonal[j]);
  const sorted = new Float64Array(n * n);
  const values = new Float64Array(order.length);
  for (const [i, from] of order.entries()) {
    sorted.set(vectors.subarray(from * n, (from + 1) * n), i * n);
    values[i] = diagonal[from] * scale;
  }
  return { values, vectors: sorted };
}
