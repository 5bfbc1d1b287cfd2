import { errorsOfFit, weightedLeastSquares } from './least-squares.ts';

export { gameOf } from './game.ts';

/** The ridge regression on which groups are shown, the intercept first; with the standard errors of its slopes. */
export function localFit(
  coalitions: Uint8Array,
  values: Float64Array,
  players: number,
  { kernelWidth, ridge }: { readonly kernelWidth: number; readonly ridge: number },
): { readonly coefficients: Float64Array; readonly errors?: Float64Array } {
  const heldBy = (k: number) => coalitions.subarray(k * players, (k + 1) * players);
  const weights = values.map((_, k) => {
    const distance = 1 - Math.sqrt(heldBy(k).reduce((sum, held) => sum + held, 0) / players);
    return Math.exp(-(distance ** 2) / (2 * kernelWidth ** 2));
  });
  const columns = players + 1;
  const fill = (k: number, row: Float64Array) => {
    row[0] = 1;
    row.set(heldBy(k), 1);
  };
  const penalty = new Float64Array(columns).fill(ridge);
  penalty[0] = 0;
  const fit = weightedLeastSquares({ columns, fill }, values, weights, penalty);
  const { coefficients } = fit;
  const row = new Float64Array(columns);
  // The whole input is no draw.
  const found = errorsOfFit(fit, {
    columns,
    fill: (k, into) => fill(k + 1, into),
    count: values.length - 1,
    residual(k) {
      fill(k + 1, row);
      return weights[k + 1] * (values[k + 1] - row.reduce((sum, value, j) => sum + value * coefficients[j], 0));
    },
    weight: (k) => weights[k + 1],
    times: () => 1,
  });
  return { coefficients, errors: found?.each.subarray(1) };
}
