// Plain JavaScript, so that a worker thread runs it from the sources and from the build alike; types through JSDoc.

/**
 * `A = Q T Qᵀ` with T symmetric and tridiagonal, by Householder reflections. Each step reads the upper triangle once: the
 * update of the step before is applied on the way.
 *
 * @param {Float64Array} a n×n, row-major, of which the upper triangle is read; it is overwritten: row k holds, right of the
 *   diagonal, the vector v of the k-th reflection `I − τ v vᵀ`
 * @param {number} n
 * @returns {{ diagonal: Float64Array, off: Float64Array, tau: Float64Array }} T, and τ of each reflection
 * Source: Golub, Van Loan, Matrix Computations, 4th ed., §8.3.1.
 */
export function tridiagonalise(a, n) {
  const diagonal = new Float64Array(n);
  const off = new Float64Array(Math.max(0, n - 1));
  const tau = new Float64Array(Math.max(0, n - 1));
  // Of the step before: A −= v wᵀ + w vᵀ is still to be done.
  let v = new Float64Array(n);
  let w = new Float64Array(n);
  let nextV = new Float64Array(n);
  let nextW = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    const row = k * n;
    for (let j = k; j < n; j++) a[row + j] -= v[k] * w[j] + w[k] * v[j];
    diagonal[k] = a[row + k];
    if (k === n - 1) break;
    tau[k] = reflection(a, row + k + 1, row + n);
    off[k] = a[row + k + 1];
    // The first element of v is 1 and is not stored by `reflection`.
    nextV.fill(0, 0, k + 1);
    nextV[k + 1] = 1;
    for (let j = k + 2; j < n; j++) nextV[j] = a[row + j];
    nextW.fill(0);
    multiplyAndUpdate(a, n, k + 1, { v, w, by: nextV, product: nextW });
    let dot = 0;
    for (let j = k + 1; j < n; j++) {
      nextW[j] *= tau[k];
      dot += nextW[j] * nextV[j];
    }
    const half = (tau[k] / 2) * dot;
    for (let j = k + 1; j < n; j++) nextW[j] -= half * nextV[j];
    if (tau[k] === 0) nextV.fill(0);
    [v, w, nextV, nextW] = [nextV, nextW, v, w];
  }
  return { diagonal, off, tau };
}

/**
 * The reflection that maps x to (β, 0, …): x[0] becomes β, the rest v without its first element, which is 1.
 * @param {Float64Array} a @param {number} start @param {number} end
 * @returns {number} τ; 0 where nothing is to be done
 */
function reflection(a, start, end) {
  let rest = 0;
  for (let j = start + 1; j < end; j++) rest += a[j] * a[j];
  if (rest === 0) return 0;
  const first = a[start];
  const beta = (first > 0 ? -1 : 1) * Math.sqrt(first * first + rest);
  const scale = 1 / (first - beta);
  for (let j = start + 1; j < end; j++) a[j] *= scale;
  a[start] = beta;
  return (beta - first) / beta;
}

/**
 * `A −= v wᵀ + w vᵀ` and `product = A by`, in one pass over the upper triangle below `first`.
 * @param {Float64Array} a @param {number} n @param {number} first
 * @param {{ v: Float64Array, w: Float64Array, by: Float64Array, product: Float64Array }} vectors
 */
function multiplyAndUpdate(a, n, first, { v, w, by, product }) {
  for (let i = first; i < n; i++) {
    const row = i * n;
    const [vi, wi, own] = [v[i], w[i], by[i]];
    const corner = a[row + i] - 2 * vi * wi;
    a[row + i] = corner;
    let sum = corner * own;
    for (let j = i + 1; j < n; j++) {
      const value = a[row + j] - vi * w[j] - wi * v[j];
      a[row + j] = value;
      sum += value * by[j];
      product[j] += value * own;
    }
    product[i] += sum;
  }
}

/**
 * Applies Q to vectors that stand in rows: `z ← Q z`, four vectors at a time.
 * @param {Float64Array} a what `tridiagonalise` left
 * @param {Float64Array} tau
 * @param {Float64Array} z rows of n
 * @param {number} n
 */
export function applyReflections(a, tau, z, n) {
  const rows = z.length / n;
  for (let first = 0; first < rows; first += 4) {
    const end = Math.min(rows, first + 4);
    for (let k = n - 3; k >= 0; k--) {
      if (tau[k] === 0) continue;
      if (end - first === 4) reflectFour(a, z, n, k, tau[k], first * n);
      else for (let r = first; r < end; r++) reflectOne(a, z, n, k, tau[k], r * n);
    }
  }
}

/** @param {Float64Array} a @param {Float64Array} z @param {number} n @param {number} k @param {number} tau @param {number} z0 */
function reflectFour(a, z, n, k, tau, z0) {
  const row = k * n;
  const [z1, z2, z3] = [z0 + n, z0 + 2 * n, z0 + 3 * n];
  let [s0, s1, s2, s3] = [z[z0 + k + 1], z[z1 + k + 1], z[z2 + k + 1], z[z3 + k + 1]];
  for (let j = k + 2; j < n; j++) {
    const v = a[row + j];
    s0 += v * z[z0 + j];
    s1 += v * z[z1 + j];
    s2 += v * z[z2 + j];
    s3 += v * z[z3 + j];
  }
  s0 *= tau;
  s1 *= tau;
  s2 *= tau;
  s3 *= tau;
  z[z0 + k + 1] -= s0;
  z[z1 + k + 1] -= s1;
  z[z2 + k + 1] -= s2;
  z[z3 + k + 1] -= s3;
  for (let j = k + 2; j < n; j++) {
    const v = a[row + j];
    z[z0 + j] -= s0 * v;
    z[z1 + j] -= s1 * v;
    z[z2 + j] -= s2 * v;
    z[z3 + j] -= s3 * v;
  }
}

/** @param {Float64Array} a @param {Float64Array} z @param {number} n @param {number} k @param {number} tau @param {number} at */
function reflectOne(a, z, n, k, tau, at) {
  const row = k * n;
  let sum = z[at + k + 1];
  for (let j = k + 2; j < n; j++) sum += a[row + j] * z[at + j];
  sum *= tau;
  z[at + k + 1] -= sum;
  for (let j = k + 2; j < n; j++) z[at + j] -= sum * a[row + j];
}
