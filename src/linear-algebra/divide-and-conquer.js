// Plain JavaScript, so that a worker thread runs it from the sources and from the build alike; types through JSDoc.
import { combineRows } from './combine-rows.js';
import { implicitQl } from './implicit-ql.js';
import { secularRoots } from './secular.js';

const epsilon = 2 ** -52;
/** Up to this size plain QL steps are faster. */
const smallest = 32;

/**
 * Eigenvalues and eigenvectors of a symmetric tridiagonal matrix by divide and conquer: two halves are solved, and a
 * correction of rank one joins them.
 * Source: Cuppen 1981; Gu, Eisenstat 1995 (vectors that stay orthogonal); deflation as in LAPACK's dlaed2.
 *
 * @param {Float64Array} d the diagonal; becomes the eigenvalues, in no order
 * @param {Float64Array} e the n − 1 elements beside it; overwritten
 * @param {Float64Array} vectors n×n, zeros; row i becomes the eigenvector of d[i]
 */
export function tridiagonalEigen(d, e, vectors) {
  const n = d.length;
  /** @type {[number, number, boolean][]} */
  const work = [[0, n, false]];
  while (work.length) {
    const [low, high, isSplit] = /** @type {[number, number, boolean]} */ (work.pop());
    if (high - low <= smallest) {
      implicitQl(d, e, vectors, n, low, high);
      continue;
    }
    const middle = (low + high) >> 1;
    const beside = e[middle - 1];
    if (isSplit) {
      join(d, vectors, n, { low, middle, high, beside });
      continue;
    }
    d[middle - 1] -= Math.abs(beside);
    d[middle] -= Math.abs(beside);
    work.push([low, high, true], [low, middle, false], [middle, high, false]);
  }
}

/**
 * @param {Float64Array} d @param {Float64Array} vectors @param {number} n
 * @param {{ low: number, middle: number, high: number, beside: number }} part
 */
function join(d, vectors, n, { low, middle, high, beside }) {
  if (beside === 0) return;
  const z = new Float64Array(high);
  let norm = 0;
  for (let i = low; i < high; i++) {
    z[i] = i < middle ? vectors[i * n + middle - 1] : Math.sign(beside) * vectors[i * n + middle];
    norm += z[i] * z[i];
  }
  norm = Math.sqrt(norm);
  for (let i = low; i < high; i++) z[i] /= norm;
  const rho = Math.abs(beside) * norm * norm;
  /** Which half a row's elements lie in: 0 the left, 1 the right, 2 both. */
  const halves = new Uint8Array(high);
  halves.fill(1, middle);
  const kept = undeflated(d, z, rho, vectors, n, { low, high, halves });
  const k = kept.length;
  if (k === 0) return;
  const poles = new Float64Array(k);
  const weights = new Float64Array(k);
  for (let i = 0; i < k; i++) {
    poles[i] = d[kept[i]];
    weights[i] = z[kept[i]];
  }
  let rest = 0;
  for (const weight of weights) rest += weight * weight;
  rest = Math.sqrt(rest);
  const { roots, gaps } = secularRoots(
    poles,
    weights.map((weight) => weight / rest),
    rho * rest * rest,
  );
  const mix = mixing(poles, weights, gaps);
  combineRows(vectors, n, mix, kept, { low, middle, high, halves });
  for (let j = 0; j < k; j++) d[kept[j]] = roots[j];
}

/**
 * Rows that the correction changes, by ascending eigenvalue. Rows whose weight is negligible stay; of two with nearly the
 * same eigenvalue one is rotated out.
 * @param {Float64Array} d @param {Float64Array} z @param {number} rho @param {Float64Array} vectors @param {number} n
 * @param {{ low: number, high: number, halves: Uint8Array }} part
 */
function undeflated(d, z, rho, vectors, n, { low, high, halves }) {
  const order = Array.from({ length: high - low }, (_, i) => low + i).sort((i, j) => d[i] - d[j]);
  let largest = 0;
  for (const i of order) largest = Math.max(largest, Math.abs(d[i]), Math.abs(z[i]));
  const tolerance = 8 * epsilon * largest;
  /** @type {number[]} */
  const kept = [];
  for (const i of order) {
    if (rho * Math.abs(z[i]) <= tolerance) continue;
    const previous = kept.at(-1);
    if (previous !== undefined) {
      const length = Math.hypot(z[i], z[previous]);
      const [c, s] = [z[i] / length, -z[previous] / length];
      if (Math.abs((d[i] - d[previous]) * c * s) <= tolerance) {
        rotate(vectors, previous * n, i * n, c, s, n);
        const [a, b] = [d[previous], d[i]];
        d[previous] = a * c * c + b * s * s;
        d[i] = a * s * s + b * c * c;
        z[i] = length;
        z[previous] = 0;
        if (halves[i] !== halves[previous]) halves[i] = halves[previous] = 2;
        kept.pop();
      }
    }
    kept.push(i);
  }
  return kept;
}

/** @param {Float64Array} vectors @param {number} p @param {number} q @param {number} c @param {number} s @param {number} n */
function rotate(vectors, p, q, c, s, n) {
  for (let j = 0; j < n; j++) {
    const [x, y] = [vectors[p + j], vectors[q + j]];
    vectors[p + j] = c * x + s * y;
    vectors[q + j] = c * y - s * x;
  }
}

/**
 * Row j: the eigenvector of root j in terms of the poles, `ẑ_i / (d_i − λ_j)` at length 1, with the weights ẑ for which the
 * computed roots are exact.
 * @param {Float64Array} d @param {Float64Array} z @param {Float64Array} gaps
 */
function mixing(d, z, gaps) {
  const k = d.length;
  const exact = new Float64Array(k);
  for (let i = 0; i < k; i++) {
    let square = Math.abs(gaps[(k - 1) * k + i]);
    for (let j = 0; j < i; j++) square *= gaps[j * k + i] / (d[i] - d[j]);
    for (let j = i; j < k - 1; j++) square *= gaps[j * k + i] / (d[i] - d[j + 1]);
    exact[i] = Math.sign(z[i]) * Math.sqrt(Math.abs(square));
  }
  const mix = new Float64Array(k * k);
  for (let j = 0; j < k; j++) {
    let norm = 0;
    for (let i = 0; i < k; i++) {
      const value = exact[i] / gaps[j * k + i];
      mix[j * k + i] = value;
      norm += value * value;
    }
    norm = Math.sqrt(norm);
    for (let i = 0; i < k; i++) mix[j * k + i] /= norm;
  }
  return mix;
}
