import { KernelSampler } from '../../attribution/methods/coalitions.ts';
import { additiveFit } from '../../attribution/methods/kernel-fit.ts';
import { random } from '../../tensor/random.ts';
import { lasso } from './lasso.ts';
import { randomSets, type UnitGame, without } from './unit-game.ts';

/** `Δ_k = f(x) − f(x without unit k)`. */
export async function leaveOneOut(game: UnitGame): Promise<Float64Array> {
  const count = game.units.length;
  const values = await game.values(Array.from({ length: count }, (_, k) => without(count, k)));
  for (let k = 0; k < count; k++) values[k] = game.full - values[k];
  return values;
}

/** A surrogate with the penalty that was chosen. */
export interface Surrogate {
  readonly values: Float64Array;
  /** What the surrogate says without any unit. */
  readonly intercept: number;
  readonly penalty: number;
}

/**
 * A sparse linear surrogate: `argmin_w Σ_S (f(S) − w₀ − Σ_{k ∈ S} w_k)² / 2n + λ |w|₁` over random sets S that hold each
 * unit with probability ½, λ by cross-validation.
 * @source Cohen-Wang et al. 2024, ContextCite, arXiv 2409.00729
 */
export async function sparseSurrogate(game: UnitGame, { sets = 64, seed = 0 } = {}): Promise<Surrogate> {
  const drawn = randomSets(sets, game.units.length, random(seed, 1));
  const { coefficients, intercept, penalty } = lasso(drawn, await game.values(drawn), seed);
  return { values: coefficients, intercept, penalty };
}

/** Shapley values of units by the least-squares fit with the kernel; exact where `samples` are all sets. */
export async function shapleyValues(
  game: UnitGame,
  { samples = 256, seed = 0 } = {},
): Promise<{ values: Float64Array; errors?: Float64Array; isExact: boolean }> {
  const players = game.units.length;
  const difference = game.full - game.empty;
  if (players < 2) return { values: new Float64Array(players).fill(difference), isExact: true };
  const all = players < 31 ? 2 ** players - 2 : Number.POSITIVE_INFINITY;
  const count = Math.min(all, Math.max(samples, 2 * (players - 1)));
  const sampler = new KernelSampler(players, count, count, random(seed, 2));
  const rows = sampler.coalitions();
  const sets = Array.from(rows.weights, (_, k) => rows.coalitions.subarray(k * players, (k + 1) * players));
  const values = await game.values(sets);
  const { shares, errors } = additiveFit(rows, values, { empty: game.empty, full: game.full, players }, rows);
  return { values: shares, errors: errors?.subarray(0, players), isExact: !sampler.isSampled };
}
