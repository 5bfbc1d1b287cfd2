import { throwIfCancelled } from '../../runtime/runtime.ts';
import { filled } from '../../tensor/filled.ts';
import { permutation, random } from '../../tensor/random.ts';
import { type Matrix64, zeros } from '../matrix.ts';
import type { Given, Runner } from '../method.ts';

export interface ShapleyParameters {
  /** Orders in which the rows are added. All subsets are trained instead where they are fewer trainings. */
  readonly permutations: number;
  /** A permutation ends where f of every query is within this of f of all rows; 0: it is always walked to the end. */
  readonly tolerance: number;
}

export interface BetaShapleyParameters extends ShapleyParameters {
  readonly alpha: number;
  readonly beta: number;
}

/** Rows up to which the coalitions can be numbered by the bits of a number. */
const mostRows = 24;

/** Whether training all 2ⁿ coalitions takes no more trainings than the permutations. */
export function enumerates(rows: number, permutations: number): boolean {
  return rows <= mostRows && 2 ** rows <= permutations * rows;
}

/**
 * Weight of a marginal contribution to a coalition of j − 1 rows, times n: `w(j) = n · C(n−1, j−1) · B(j+β−1, n−j+α)/B(α, β)`,
 * whose mean over j is 1; all 1 for α = β = 1 (Shapley). Source: Kwon and Zou, "Beta Shapley", 2022, eq. 5.
 */
export function betaWeights(n: number, alpha: number, beta: number): Float64Array {
  // w(1) = n B(β, n − 1 + α)/B(α, β); w(j+1)/w(j) = (n − j)/j · (j + β − 1)/(n − j + α − 1).
  const weights = new Float64Array(n);
  let log = Math.log(n);
  // B(β, n−1+α)/B(β, α) = Π_{t=0}^{n−2} (α + t)/(α + β + t)
  for (let t = 0; t < n - 1; t++) log += Math.log(alpha + t) - Math.log(alpha + beta + t);
  for (let j = 1; j <= n; j++) {
    weights[j - 1] = Math.exp(log);
    log += Math.log(n - j) - Math.log(j) + Math.log(j + beta - 1) - Math.log(n - j + alpha - 1);
  }
  return weights;
}

/**
 * `Σ_S w(|S|+1)/n · C(n−1, |S|)⁻¹ (f(S ∪ i) − f(S))` over all coalitions; weights of 1 give Shapley values.
 * @param values f of every query for each coalition S, by the number whose bits are its members
 */
export function semivalueOf(values: readonly Float64Array[], n: number, weights: ArrayLike<number>): Matrix64 {
  const queries = values[0].length;
  const choices = new Float64Array(n).fill(1);
  for (let k = 1; k < n; k++) choices[k] = (choices[k - 1] * (n - k)) / k;
  const result = zeros(queries, n);
  for (let s = 0; s < 2 ** n; s++) {
    let held = 0;
    for (let i = 0; i < n; i++) held += (s >> i) & 1;
    for (let i = 0; i < n; i++) {
      if ((s >> i) & 1) continue;
      const weight = weights[held] / n / choices[held];
      const [without, with_] = [values[s], values[s | (1 << i)]];
      for (let q = 0; q < queries; q++) result.data[q * n + i] += weight * (with_[q] - without[q]);
    }
  }
  return result;
}

/** Trains on every coalition. */
async function exact(
  { retraining, size, seed, signal }: Given<'retraining'>,
  weights: Float64Array,
): Promise<Matrix64> {
  const n = size.rows;
  const values: Float64Array[] = [];
  for (let s = 0; s < 2 ** n; s++) {
    throwIfCancelled(signal);
    const counts = filled(new Uint32Array(n), (i) => (s >> i) & 1);
    values.push((await retraining.train(counts, seed, signal)).queries);
  }
  return semivalueOf(values, n, weights);
}

/** The mean of `w(j)` times what a row adds at place j of random orders. */
async function sampled(
  { retraining, size, seed, signal }: Given<'retraining'>,
  { permutations, tolerance }: ShapleyParameters,
  weights: Float64Array,
): Promise<{ values: Matrix64; walked: number }> {
  const [n, queries] = [size.rows, size.queries];
  const result = zeros(queries, n);
  const source = random(seed, 5);
  const full = (await retraining.train(new Uint32Array(n).fill(1), seed, signal)).queries;
  const empty = (await retraining.train(new Uint32Array(n), seed, signal)).queries;
  const arrived = (now: Float64Array) =>
    tolerance > 0 && now.every((value, q) => Math.abs(value - full[q]) < tolerance);
  let walked = 0;
  for (let p = 0; p < permutations; p++) {
    const counts = new Uint32Array(n);
    let before = empty;
    for (const [j, i] of permutation(n, source).entries()) {
      if (arrived(before)) break;
      throwIfCancelled(signal);
      counts[i] = 1;
      const now = j === n - 1 ? full : (await retraining.train(counts.slice(), seed, signal)).queries;
      for (let q = 0; q < queries; q++) result.data[q * n + i] += (weights[j] * (now[q] - before[q])) / permutations;
      before = now;
      walked++;
    }
  }
  return { values: result, walked };
}

async function semivalue(given: Given<'retraining'>, parameters: ShapleyParameters, weights: Float64Array) {
  const n = given.size.rows;
  if (enumerates(n, parameters.permutations))
    return { values: await exact(given, weights), notes: [`exact: all ${2 ** n} coalitions were trained`] };
  const { values, walked } = await sampled(given, parameters, weights);
  const share = walked / (parameters.permutations * n);
  return {
    values,
    notes: share < 1 ? [`truncated: ${((1 - share) * 100).toFixed(0)} % of the contributions taken as 0`] : [],
  };
}

/** Data Shapley by truncated Monte Carlo. */
export const tmcShapley: Runner<'retraining', ShapleyParameters> = {
  score: (given, parameters) => semivalue(given, parameters, new Float64Array(given.size.rows).fill(1)),
};

/** Beta(α, β)-Shapley. */
export const betaShapley: Runner<'retraining', BetaShapleyParameters> = {
  score: (given, parameters) =>
    semivalue(given, parameters, betaWeights(given.size.rows, parameters.alpha, parameters.beta)),
};
