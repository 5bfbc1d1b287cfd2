import { z } from 'zod';
import { random } from '../../tensor/random.ts';
import { gameOf, gamePasses } from './game.ts';
import { weightedLeastSquares } from './least-squares.ts';
import type { Method } from './method.ts';

const parameters = z.strictObject({
  samples: z.int().min(2).max(1_000_000).default(1000),
  seed: z.number().default(0),
  kernelWidth: z
    .number()
    .positive()
    .default(0.25)
    .describe('Width of the kernel over the cosine distance to the whole input'),
  ridge: z.number().min(0).default(1).describe('Penalty on the squared coefficients (not on the intercept)'),
});

export type LimeParameters = z.infer<typeof parameters>;

/**
 * The coefficients of a ridge regression on which groups are shown, fitted near the whole input. They are slopes of
 * that line: they need not add up to anything.
 */
export const lime: Method<LimeParameters> = {
  title: 'LIME',
  source: 'Ribeiro, Singh, Guestrin 2016, arXiv 1602.04938',
  formula: 'A = argmin_β Σ_k exp(−d_k²/2σ²) (f(x_k) − β_0 − β·z_k)² + λ|β|²,  d_k = 1 − √(shown/M)',
  needs: 'outputs',
  layers: 'any',
  baseline: 'required',
  takesSamples: true,
  usesGroups: true,
  implicitBaseline: undefined,
  meaning: { kind: 'score', what: 'a slope of a linear fit' },
  completeness: 'none',
  zeroDifference: true,
  parameters: parameters as z.ZodType<LimeParameters>,
  cost: ({ samples }, work) => ({ forward: gamePasses(samples, work), backward: 0 }),
  async run(context, { samples, seed, kernelWidth, ridge }) {
    const game = await gameOf(context);
    const { players } = game;
    if (players === 0) return game.spread([]);
    const source = random(seed);
    // The first row is the whole input, as in the authors' implementation.
    const coalitions = Uint8Array.from({ length: samples * players }, (_, i) =>
      i < players || source.uniform() < 0.5 ? 1 : 0,
    );
    const values = await game.value(coalitions);
    const heldBy = (k: number) => coalitions.subarray(k * players, (k + 1) * players);
    const weights = Float64Array.from({ length: samples }, (_, k) => {
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
    const fitted = weightedLeastSquares({ columns, fill }, values, weights, penalty);
    return {
      ...game.spread(fitted.subarray(1)),
      chosen: { groups: context.partition.description, players, intercept: fitted[0] },
    };
  },
};
