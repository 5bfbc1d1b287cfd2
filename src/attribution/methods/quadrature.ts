import { filled } from '../../tensor/filled.ts';
/** Nodes and weights on [0, 1]; the weights sum to 1. */
export interface Quadrature {
  readonly positions: Float64Array;
  readonly weights: Float64Array;
}

/** Rules that integrate along a path, by name. */
export const quadratures = {
  /** `t_k = (k + ½)/n`; error O(1/n²). */
  midpoint: (n: number): Quadrature => ({
    positions: filled(new Float64Array(n), (k) => (k + 0.5) / n),
    weights: new Float64Array(n).fill(1 / n),
  }),
  /** `t_k = k/(n − 1)`, half weight at the ends; error O(1/n²). */
  trapezoid: (n: number): Quadrature => {
    const count = Math.max(2, n);
    const weights = new Float64Array(count).fill(1 / (count - 1));
    weights[0] /= 2;
    weights[count - 1] /= 2;
    return { positions: filled(new Float64Array(count), (k) => k / (count - 1)), weights };
  },
  /** Exact for polynomials of degree 2n − 1. */
  'gauss-legendre': gaussLegendre,
} as const;

/** Roots of the Legendre polynomial of degree n by Newton's method from Tricomi's estimate, mapped to [0, 1]. */
function gaussLegendre(n: number): Quadrature {
  const positions = new Float64Array(n);
  const weights = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let x = Math.cos((Math.PI * (i + 0.75)) / (n + 0.5));
    let derivative = 1;
    for (let step = 0; step < 100; step++) {
      let [previous, current] = [1, x];
      for (let k = 2; k <= n; k++)
        [previous, current] = [current, ((2 * k - 1) * x * current - (k - 1) * previous) / k];
      derivative = n === 1 ? 1 : (n * (x * current - previous)) / (x * x - 1);
      const change = current / derivative;
      x -= change;
      if (Math.abs(change) < 1e-15) break;
    }
    positions[n - 1 - i] = (1 + x) / 2;
    weights[n - 1 - i] = 1 / ((1 - x * x) * derivative * derivative);
  }
  return { positions, weights };
}
