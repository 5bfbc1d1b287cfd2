import { mapped } from '../../tensor/filled.ts';
import { permutation, random } from '../../tensor/random.ts';

/** A sparse linear fit. */
export interface LassoFit {
  readonly coefficients: Float64Array;
  readonly intercept: number;
  readonly penalty: number;
}

const folds = 5;
/** Penalties that are tried: from the smallest that leaves nothing down to a thousandth of it. */
const penalties = 20;
const mostSweeps = 1000;

/**
 * `argmin (1/2n) Σ (y − w₀ − Σ_j x_j w_j)² + λ |w|₁` over rows of 0 and 1, by coordinate descent; λ is the one with the
 * least squared error over five folds.
 */
export function lasso(rows: readonly Uint8Array[], values: Float64Array, seed = 0): LassoFit {
  const order = permutation(rows.length, random(seed, 3));
  const grid = penaltiesFor(rows, values);
  const errors = new Float64Array(grid.length);
  for (let fold = 0; fold < Math.min(folds, rows.length); fold++) {
    const isHeld = (k: number) => k % folds === fold;
    const kept = Array.from(order).filter((_, k) => !isHeld(k));
    const held = Array.from(order).filter((_, k) => isHeld(k));
    if (kept.length < 2 || held.length === 0) continue;
    let start: Float64Array | undefined;
    for (const [g, penalty] of grid.entries()) {
      const fit = descend(
        kept.map((k) => rows[k]),
        kept.map((k) => values[k]),
        penalty,
        start,
      );
      start = fit.coefficients;
      for (const k of held) errors[g] += (values[k] - predicted(fit, rows[k])) ** 2;
    }
  }
  let best = 0;
  for (let g = 1; g < grid.length; g++) if (errors[g] < errors[best]) best = g;
  return descend(rows, Array.from(values), grid[best]);
}

/** What a fit says of a row. */
export function predicted(
  { coefficients, intercept }: Pick<LassoFit, 'coefficients' | 'intercept'>,
  row: Uint8Array,
): number {
  let sum = intercept;
  for (let j = 0; j < row.length; j++) if (row[j]) sum += coefficients[j];
  return sum;
}

function penaltiesFor(rows: readonly Uint8Array[], values: Float64Array): number[] {
  const n = rows.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  let largest = 0;
  for (let j = 0; j < rows[0].length; j++) {
    const share = rows.reduce((sum, row) => sum + row[j], 0) / n;
    const product = rows.reduce((sum, row, k) => sum + (row[j] - share) * (values[k] - mean), 0);
    largest = Math.max(largest, Math.abs(product) / n);
  }
  return Array.from({ length: penalties }, (_, i) => largest * 1000 ** (-i / (penalties - 1)));
}

function descend(
  rows: readonly Uint8Array[],
  values: readonly number[],
  penalty: number,
  start?: Float64Array,
): LassoFit {
  const [n, width] = [rows.length, rows[0].length];
  const w = start?.slice() ?? new Float64Array(width);
  const shares = new Float64Array(width);
  for (const row of rows) for (let j = 0; j < width; j++) shares[j] += row[j] / n;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const rest = mapped(Float64Array, values, (value) => value - mean);
  for (const [k, row] of rows.entries()) for (let j = 0; j < width; j++) rest[k] -= (row[j] - shares[j]) * w[j];
  for (let sweep = 0; sweep < mostSweeps; sweep++) {
    let moved = 0;
    for (let j = 0; j < width; j++) {
      // Rows hold 0 and 1, so the centred column has variance p (1 − p).
      const variance = shares[j] * (1 - shares[j]);
      if (variance === 0) continue;
      let product = 0;
      for (let k = 0; k < n; k++) product += (rows[k][j] - shares[j]) * rest[k];
      const slope = product / n + variance * w[j];
      const next = (Math.sign(slope) * Math.max(0, Math.abs(slope) - penalty)) / variance;
      const change = next - w[j];
      if (change === 0) continue;
      for (let k = 0; k < n; k++) rest[k] -= (rows[k][j] - shares[j]) * change;
      w[j] = next;
      moved = Math.max(moved, Math.abs(change));
    }
    if (moved < 1e-9) break;
  }
  let intercept = mean;
  for (let j = 0; j < width; j++) intercept -= shares[j] * w[j];
  return { coefficients: w, intercept, penalty };
}
