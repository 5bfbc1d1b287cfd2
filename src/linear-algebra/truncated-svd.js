// Plain JavaScript, so that a worker thread runs it from the sources and from the build alike; types through JSDoc.
import { multiply } from './combine-rows.js';
import { orthonormalRows } from './orthonormal.js';
import { symmetricEigen } from './symmetric-eigen.js';

/** Rows of a block beyond the number that is asked for. */
const oversampling = 8;

/**
 * The largest singular values of a matrix with their vectors, `A ≈ Uᵀ diag(σ) V`, by a randomised block Krylov space that
 * grows until every residual is small.
 * Source: Musco, Musco 2015, arXiv 1504.05477.
 *
 * @param {Float64Array} matrix rows×columns, row-major, of finite numbers
 * @param {number} rows @param {number} columns
 * @param {number} count of singular values, at most min(rows, columns)
 * @param {{ normal: () => number, tolerance?: number, blocks?: number }} options `normal` draws standard normal numbers;
 *   `tolerance` is the largest residual `‖A v − σ u‖` as a share of σ_1 (default 1e-9); `blocks` bounds the space (default 40)
 * @returns {{ u: Float64Array, values: Float64Array, v: Float64Array, residual: number }} rows of u (count×rows) and of v
 *   (count×columns) are the singular vectors, σ descending; `residual` is what was reached
 */
export function truncatedSvd(matrix, rows, columns, count, { normal, tolerance = 1e-9, blocks = 40 }) {
  const width = Math.min(rows, columns, count + oversampling);
  const transposed = transpose(matrix, rows, columns);
  const start = new Float64Array(width * columns);
  for (let i = 0; i < start.length; i++) start[i] = normal();
  // Rows of the basis span a space of left vectors: A Ω, A Aᵀ A Ω, …
  let block = orthonormalRows(product(start, transposed, width, columns, rows), width, rows).q;
  let basis = block;
  for (let k = 1; ; k++) {
    const found = project(basis, matrix, transposed, rows, columns, count);
    const size = basis.length / rows;
    if (found.residual <= tolerance || k === blocks || size >= Math.min(rows, columns)) return found;
    const next = product(product(block, matrix, width, rows, columns), transposed, width, columns, rows);
    const { q, rank } = orthonormalRows(next, width, rows, basis);
    if (rank === 0) return found;
    block = q;
    basis = joined(basis, q);
  }
}

/**
 * Singular triplets of the projection on a space, with the largest residual of A itself.
 * @param {Float64Array} basis @param {Float64Array} matrix @param {Float64Array} transposed
 * @param {number} rows @param {number} columns @param {number} count
 */
function project(basis, matrix, transposed, rows, columns, count) {
  const size = basis.length / rows;
  const small = product(basis, matrix, size, rows, columns);
  const gram = product(small, transpose(small, size, columns), size, columns, size);
  const { vectors } = symmetricEigen(gram, size);
  // The eigenvectors of the largest values come last.
  const mix = new Float64Array(count * size);
  for (let i = 0; i < count; i++) {
    const from = size - 1 - i;
    if (from >= 0) mix.set(vectors.subarray(from * size, (from + 1) * size), i * size);
  }
  const u = product(mix, basis, count, size, rows);
  const v = product(mix, small, count, size, columns);
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const row = v.subarray(i * columns, (i + 1) * columns);
    values[i] = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    if (values[i] > 0) for (let c = 0; c < columns; c++) row[c] /= values[i];
  }
  const image = product(v, transposed, count, columns, rows);
  let residual = 0;
  for (let i = 0; i < count; i++) {
    let sum = 0;
    for (let r = 0; r < rows; r++) sum += (image[i * rows + r] - values[i] * u[i * rows + r]) ** 2;
    residual = Math.max(residual, Math.sqrt(sum));
  }
  return { u, values, v, residual: values[0] > 0 ? residual / values[0] : 0 };
}

/** @param {Float64Array} a @param {Float64Array} b @param {number} rows @param {number} inner @param {number} columns */
function product(a, b, rows, inner, columns) {
  const c = new Float64Array(rows * columns);
  multiply(a, b, c, rows, inner, columns);
  return c;
}

/** @param {Float64Array} matrix @param {number} rows @param {number} columns */
function transpose(matrix, rows, columns) {
  const result = new Float64Array(matrix.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) result[c * rows + r] = matrix[r * columns + c];
  return result;
}

/** @param {Float64Array} a @param {Float64Array} b */
function joined(a, b) {
  const result = new Float64Array(a.length + b.length);
  result.set(a);
  result.set(b, a.length);
  return result;
}
