import type { Labels } from '../material.ts';
import { dot, dotRows, type Matrix, type Matrix64, product, rowOf, transposed, zeros } from '../matrix.ts';
import type { Runner } from '../method.ts';

export interface RepresenterParameters {
  /** λ of the refit `(1/n) Σ ℓ + λ‖W‖²`. */
  readonly l2: number;
  readonly iterations: number;
}

/**
 * The last layer fitted again on the representations f (with a 1 for the bias): then `W = −(1/(2λn)) Σ_i (p_i − 1_{y_i}) f_iᵀ`,
 * so that each row adds `α_i f_i·f_t` to the logits of a query. The score is its part of the query's own class.
 */
export const representer: Runner<'embeddings' | 'labels', RepresenterParameters> = {
  score({ embeddings, labels }, { l2, iterations }) {
    const [rows, queries] = [withOnes(embeddings.rows), withOnes(embeddings.queries)];
    const { weights, steps } = refit(rows, labels, { l2, iterations });
    const residuals = residualsOf(weights, rows, labels);
    const scale = -1 / (2 * l2 * rows.rows);
    const values = dotRows(queries, rows);
    const logits = zeros(queries.rows, labels.classes);
    for (let q = 0; q < queries.rows; q++) {
      for (let i = 0; i < rows.rows; i++) {
        const kernel = values.data[q * rows.rows + i] * scale;
        for (let k = 0; k < labels.classes; k++)
          logits.data[q * labels.classes + k] += kernel * residuals.data[i * labels.classes + k];
        values.data[q * rows.rows + i] = kernel * residuals.data[i * labels.classes + labels.queries[q]];
      }
    }
    const exact = dotRows(queries, weights);
    let error = 0;
    for (let j = 0; j < exact.data.length; j++) error = Math.max(error, Math.abs(exact.data[j] - logits.data[j]));
    return {
      values,
      notes: [`the rows' parts add up to the refit logits within ${error.toExponential(1)} (${steps} steps)`],
    };
  },
};

function withOnes(of: Matrix): Matrix64 {
  const result = zeros(of.rows, of.columns + 1);
  for (let i = 0; i < of.rows; i++) {
    result.data.set(rowOf(of, i), i * result.columns);
    result.data[(i + 1) * result.columns - 1] = 1;
  }
  return result;
}

/** `p_i − 1_{y_i}`: rows × classes. */
function residualsOf(weights: Matrix64, rows: Matrix64, { rows: labels, classes }: Labels): Matrix64 {
  const result = dotRows(rows, weights);
  for (let i = 0; i < rows.rows; i++) {
    const row = result.data.subarray(i * classes, (i + 1) * classes);
    let most = Number.NEGATIVE_INFINITY;
    for (const value of row) most = Math.max(most, value);
    let sum = 0;
    for (let k = 0; k < classes; k++) sum += row[k] = Math.exp(row[k] - most);
    for (let k = 0; k < classes; k++) row[k] = row[k] / sum - (k === labels[i] ? 1 : 0);
  }
  return result;
}

function lossOf(weights: Matrix64, rows: Matrix64, { rows: labels, classes }: Labels, l2: number): number {
  const logits = dotRows(rows, weights).data;
  let sum = 0;
  for (let i = 0; i < rows.rows; i++) {
    let [most, total] = [Number.NEGATIVE_INFINITY, 0];
    for (let k = 0; k < classes; k++) most = Math.max(most, logits[i * classes + k]);
    for (let k = 0; k < classes; k++) total += Math.exp(logits[i * classes + k] - most);
    sum += most + Math.log(total) - logits[i * classes + labels[i]];
  }
  return sum / rows.rows + l2 * dot(weights.data, weights.data);
}

/** Steps that L-BFGS remembers. */
const memory = 20;
/** Norm of the gradient at which the fit has converged. */
const converged = 1e-10;

/** Limited-memory BFGS with halved steps (Nocedal and Wright, 2006, algorithm 7.5): the objective is strictly convex. */
function refit(rows: Matrix64, labels: Labels, { l2, iterations }: RepresenterParameters) {
  const weights = zeros(labels.classes, rows.columns);
  const gradientAt = (at: Matrix64) => {
    const g = product(transposed(residualsOf(at, rows, labels)), rows).data;
    for (let j = 0; j < g.length; j++) g[j] = g[j] / rows.rows + 2 * l2 * at.data[j];
    return g;
  };
  let [g, loss] = [gradientAt(weights), lossOf(weights, rows, labels, l2)];
  const past: { s: Float64Array; y: Float64Array; rho: number }[] = [];
  let steps = 0;
  for (; steps < iterations && Math.sqrt(dot(g, g)) > converged; steps++) {
    const direction = descent(g, past);
    const slope = dot(direction, g);
    let [size, next, lower] = [1, weights, loss];
    for (; size > 1e-12; size /= 2) {
      next = { ...weights, data: weights.data.map((value, j) => value + size * direction[j]) };
      lower = lossOf(next, rows, labels, l2);
      if (lower <= loss + 1e-4 * size * slope) break;
    }
    if (size <= 1e-12) break;
    const changed = gradientAt(next);
    const s = next.data.map((value, j) => value - weights.data[j]);
    const y = changed.map((value, j) => value - g[j]);
    const sy = dot(s, y);
    if (sy > 0) past.push({ s, y, rho: 1 / sy });
    if (past.length > memory) past.shift();
    weights.data.set(next.data);
    [g, loss] = [changed, lower];
  }
  return { weights, steps };
}

/** `−H⁻¹ g` by the two loops over the remembered steps. */
function descent(g: Float64Array, past: readonly { s: Float64Array; y: Float64Array; rho: number }[]): Float64Array {
  const d = g.map((value) => -value);
  const alphas = new Float64Array(past.length);
  for (let k = past.length - 1; k >= 0; k--) {
    alphas[k] = past[k].rho * dot(past[k].s, d);
    for (let j = 0; j < d.length; j++) d[j] -= alphas[k] * past[k].y[j];
  }
  const last = past.at(-1);
  const scale = last ? 1 / (last.rho * dot(last.y, last.y)) : 1;
  for (let j = 0; j < d.length; j++) d[j] *= scale;
  for (const [k, { s, y, rho }] of past.entries()) {
    const beta = rho * dot(y, d);
    for (let j = 0; j < d.length; j++) d[j] += (alphas[k] - beta) * s[j];
  }
  return d;
}
