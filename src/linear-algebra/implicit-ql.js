// Plain JavaScript, so that a worker thread runs it from the sources and from the build alike; types through JSDoc.

/**
 * Eigenvalues and eigenvectors of the rows low … high − 1 of a symmetric tridiagonal matrix, by QL steps with implicit
 * shifts. Source: Golub, Van Loan, §8.3.5; the shift is Wilkinson's.
 *
 * @param {Float64Array} d diagonal; becomes the eigenvalues
 * @param {Float64Array} e elements beside the diagonal; those of the block are overwritten
 * @param {Float64Array} vectors rows of n; row i becomes the eigenvector of d[i] (in columns low … high − 1)
 * @param {number} n @param {number} low @param {number} high
 */
export function implicitQl(d, e, vectors, n, low, high) {
  for (let i = low; i < high; i++) vectors[i * n + i] = 1;
  const off = new Float64Array(high);
  for (let i = low; i < high - 1; i++) off[i] = e[i];
  for (let l = low; l < high; l++) {
    for (let step = 0; ; step++) {
      let m = l;
      while (m < high - 1 && !isNegligible(off[m], d[m], d[m + 1])) m++;
      if (m === l) break;
      if (step === 60) throw new Error('the eigenvalues of a symmetric matrix did not converge');
      sweep(d, off, l, m, (i, c, s) => rotateRows(vectors, i * n, c, s, n, low, high));
    }
  }
}

/** @param {number} off @param {number} a @param {number} b */
function isNegligible(off, a, b) {
  const size = Math.abs(a) + Math.abs(b);
  return Math.abs(off) + size === size;
}

/**
 * One QL step on l … m.
 * @param {Float64Array} d @param {Float64Array} off @param {number} l @param {number} m
 * @param {(i: number, c: number, s: number) => void} rotate
 */
function sweep(d, off, l, m, rotate) {
  let g = (d[l + 1] - d[l]) / (2 * off[l]);
  let r = Math.hypot(g, 1);
  g = d[m] - d[l] + off[l] / (g + (g >= 0 ? r : -r));
  let [s, c, p] = [1, 1, 0];
  for (let i = m - 1; i >= l; i--) {
    const f = s * off[i];
    const b = c * off[i];
    r = Math.hypot(f, g);
    off[i + 1] = r;
    if (r === 0) {
      d[i + 1] -= p;
      off[m] = 0;
      return;
    }
    s = f / r;
    c = g / r;
    g = d[i + 1] - p;
    r = (d[i] - g) * s + 2 * c * b;
    p = s * r;
    d[i + 1] = g + p;
    g = c * r - b;
    rotate(i, c, s);
  }
  d[l] -= p;
  off[l] = g;
  off[m] = 0;
}

/** @param {Float64Array} v @param {number} at @param {number} c @param {number} s @param {number} n @param {number} low @param {number} high */
function rotateRows(v, at, c, s, n, low, high) {
  for (let j = low; j < high; j++) {
    const f = v[at + n + j];
    v[at + n + j] = s * v[at + j] + c * f;
    v[at + j] = c * v[at + j] - s * f;
  }
}
