import { WhereforeError } from '../../errors.ts';
import { type KernelCoalitions, shapleyKernel, type WeightedCoalitions } from './coalitions.ts';
import type { Game } from './game.ts';
import { errorsOfFit, weightedLeastSquares } from './least-squares.ts';
import { appended } from './sureness.ts';

export { KernelSampler } from './coalitions.ts';
export { gameOf } from './game.ts';

/** Coalitions that a caller states, weighed by the kernel. @throws WhereforeError `invalid-argument` for one of another length, or of all or none */
export function statedCoalitions(rows: readonly (readonly number[])[], players: number): WeightedCoalitions {
  const coalitions = new Uint8Array(rows.length * players);
  const weights = new Float64Array(rows.length);
  rows.forEach((row, k) => {
    const size = row.reduce((sum, held) => sum + held, 0);
    if (row.length !== players || size === 0 || size === players) {
      throw new WhereforeError('invalid-argument', `coalition ${k}`, {
        got: `${size} of ${row.length} groups`,
        expected: `${players} entries of 0 and 1, neither all of one kind`,
      });
    }
    coalitions.set(row, k * players);
    weights[k] = shapleyKernel(players, size);
  });
  return { coalitions, weights };
}

/**
 * The fit with the sum held: the last share is what the others leave, `φ_M = Δ − Σ φ_j`; with the standard errors of
 * shares over pairs that were drawn, none where none was.
 */
export function additiveFit(
  { coalitions, weights }: WeightedCoalitions,
  values: Float64Array,
  { empty, full, players }: Pick<Game, 'empty' | 'full' | 'players'>,
  sampled?: KernelCoalitions,
): { readonly shares: Float64Array; readonly errors?: Float64Array } {
  const columns = players - 1;
  const rest = values.map((value, k) => value - empty - coalitions[k * players + columns] * (full - empty));
  const fill = (k: number, row: Float64Array) => {
    const last = coalitions[k * players + columns];
    for (let j = 0; j < columns; j++) row[j] = coalitions[k * players + j] - last;
  };
  const fit = weightedLeastSquares({ columns, fill }, rest, weights);
  const { coefficients } = fit;
  const shares = new Float64Array(players);
  shares.set(coefficients);
  shares[columns] = full - empty - coefficients.reduce((sum, share) => sum + share, 0);
  if (!sampled) return { shares };
  const { drawn, complements, times, weight } = sampled;
  if (drawn.length === 0) return { shares, errors: new Float64Array(players) };
  // A complement has the row −x: the pair tells the difference of its residuals.
  const row = new Float64Array(columns);
  const misfit = (k: number) => {
    fill(k, row);
    return rest[k] - row.reduce((sum, value, j) => sum + value * coefficients[j], 0);
  };
  const found = errorsOfFit(fit, {
    columns,
    fill: (k, into) => fill(drawn[k], into),
    count: drawn.length,
    residual: (k) => weight * (misfit(drawn[k]) - misfit(complements[k])),
    weight: () => 2 * weight,
    times: (k) => times[k],
  });
  return { shares, errors: found && appended(found.each, Float64Array.of(found.sum)) };
}
