// Plain JavaScript, so that a worker thread runs it from the sources and from the build alike; types through JSDoc.

const epsilon = 2 ** -52;

/**
 * The eigenvalues of `diag(d) + ρ z zᵀ`: the roots of `1 + ρ Σ_i z_i² / (d_i − λ)`, one right of each d_i.
 * Source: Li 1993, LAPACK Working Note 89 (the middle way), with bisection as a safeguard.
 *
 * @param {Float64Array} d ascending, all different
 * @param {Float64Array} z of norm 1, no element 0
 * @param {number} rho above 0
 * @returns {{ roots: Float64Array, gaps: Float64Array }} λ, and `d_i − λ_j` at row j, column i, each to full relative precision
 */
export function secularRoots(d, z, rho) {
  const k = d.length;
  const roots = new Float64Array(k);
  const gaps = new Float64Array(k * k);
  const squares = z.map((value) => value * value);
  const shifted = new Float64Array(k);
  for (let j = 0; j < k; j++) {
    const isLast = j === k - 1;
    const gap = isLast ? rho : d[j + 1] - d[j];
    // The nearer pole is the origin, so that the distance to it keeps its digits.
    const fromLeft = isLast || valueAt(d, squares, rho, d[j], gap / 2) >= 0;
    const origin = fromLeft ? d[j] : d[j + 1];
    for (let i = 0; i < k; i++) shifted[i] = d[i] - origin;
    const [low, high] = fromLeft ? [0, isLast ? gap : gap / 2] : [-gap / 2, 0];
    const mu = rootOf(shifted, squares, rho, j, low, high);
    roots[j] = origin + mu;
    for (let i = 0; i < k; i++) gaps[j * k + i] = shifted[i] - mu;
  }
  return { roots, gaps };
}

/** @param {Float64Array} d @param {Float64Array} squares @param {number} rho @param {number} origin @param {number} mu */
function valueAt(d, squares, rho, origin, mu) {
  let sum = 1 / rho;
  for (let i = 0; i < d.length; i++) sum += squares[i] / (d[i] - origin - mu);
  return sum;
}

/**
 * The root between two poles (or right of the last), as a distance from the origin. The function rises from −∞ to ∞.
 * @param {Float64Array} d poles as distances from the origin @param {Float64Array} squares @param {number} rho
 * @param {number} j index of the pole on the left @param {number} least @param {number} most
 */
function rootOf(d, squares, rho, j, least, most) {
  let [low, high] = [least, most];
  const k = d.length;
  const isLast = j === k - 1;
  let mu = (low + high) / 2;
  for (let step = 0; step < 200; step++) {
    let [left, leftSlope, right, rightSlope] = [0, 0, 0, 0];
    for (let i = 0; i <= j; i++) {
      const part = squares[i] / (d[i] - mu);
      left += part;
      leftSlope += part / (d[i] - mu);
    }
    for (let i = j + 1; i < k; i++) {
      const part = squares[i] / (d[i] - mu);
      right += part;
      rightSlope += part / (d[i] - mu);
    }
    const value = 1 / rho + left + right;
    if (Math.abs(value) <= epsilon * k * (1 / rho + Math.abs(left) + Math.abs(right))) return mu;
    if (value > 0) high = mu;
    else low = mu;
    const next =
      mu +
      (isLast ? towards(d[j] - mu, value, leftSlope) : between(d[j] - mu, d[j + 1] - mu, value, leftSlope, rightSlope));
    const inside = next > low && next < high;
    const moved = inside ? next : (low + high) / 2;
    if (moved === mu || moved === low || moved === high) return moved;
    mu = moved;
  }
  return mu;
}

/**
 * Step to the root of `c + s/(Δ_l − η) + S/(Δ_r − η)`, which has the value and both slopes of the function here.
 * @param {number} l distance to the pole on the left @param {number} r to the one on the right
 * @param {number} value @param {number} leftSlope @param {number} rightSlope
 */
function between(l, r, value, leftSlope, rightSlope) {
  const c = value - l * leftSlope - r * rightSlope;
  const a = (l + r) * value - l * r * (leftSlope + rightSlope);
  const b = l * r * value;
  const root = Math.sqrt(Math.max(0, a * a - 4 * b * c));
  return a <= 0 ? (a - root) / (2 * c) : (2 * b) / (a + root);
}

/** The same with one pole. @param {number} l @param {number} value @param {number} slope */
function towards(l, value, slope) {
  return l + (l * l * slope) / (value - l * slope);
}
