import * as z from 'zod/mini';
import { filled } from '../../tensor/filled.ts';
import { type Random, random } from '../../tensor/random.ts';
import { coalitionMethod, gamePasses } from './coalition-method.ts';
import type { Method } from './method.ts';
import { appended, type Budget, isSure, relativeTo, samplingTolerance, triesOf } from './sureness.ts';

const parameters = z.strictObject({
  samples: z
    .optional(z.int().check(z.minimum(2), z.maximum(1_000_000)))
    .check(
      z.describe(
        'Coalitions to evaluate, no more and no fewer. Default 1000, and then as many as the tolerance asks for',
      ),
    ),
  tolerance: samplingTolerance,
  maxSamples: z
    ._default(z.int().check(z.minimum(2), z.maximum(1_000_000)), 8000)
    .check(z.describe('Coalitions at most, where samples are not stated')),
  seed: z._default(z.number(), 0),
  kernelWidth: z
    ._default(z.number().check(z.positive()), 0.25)
    .check(z.describe('Width of the kernel over the cosine distance to the whole input')),
  ridge: z
    ._default(z.number().check(z.minimum(0)), 1)
    .check(z.describe('Penalty on the squared coefficients (not on the intercept)')),
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
  ...coalitionMethod,
  meaning: { kind: 'score', what: 'a slope of a linear fit' },
  completeness: 'none',
  parameters: parameters as z.core.$ZodType<LimeParameters>,
  cost: ({ samples, ...sure }, work) => {
    const tries = triesOf(budgetOf(sure), samples);
    return { forward: gamePasses(tries[tries.length - 1], work), backward: 0 };
  },
  async run(context, { samples, seed, kernelWidth, ridge, ...sure }) {
    const { gameOf, localFit } = await import('./local-fit.ts');
    const game = await gameOf(context);
    const { players } = game;
    if (players === 0) return game.spread([]);
    const budget = budgetOf(sure);
    const tries = triesOf(budget, samples);
    const source = random(seed);
    let coalitions: Uint8Array = new Uint8Array(0);
    let values: Float64Array = new Float64Array(0);
    for (let k = 0; ; k++) {
      const more = drawn(tries[k] - values.length, players, source, k === 0);
      coalitions = appended(coalitions, more);
      values = appended(values, await game.value(more));
      const { coefficients, errors } = localFit(coalitions, values, players, { kernelWidth, ridge });
      const slopes = coefficients.subarray(1);
      const relative = relativeTo(slopes, errors);
      if (k + 1 === tries.length || isSure(relative, budget.tolerance)) {
        return {
          ...game.spread(slopes),
          standardErrors: errors && game.spread(errors).values,
          relativeStandardError: relative,
          chosen: {
            groups: context.partition.description,
            players,
            intercept: coefficients[0],
            ...(samples === undefined ? { samples: values.length } : {}),
          },
        };
      }
    }
  },
};

function budgetOf({ tolerance, maxSamples }: Pick<LimeParameters, 'tolerance' | 'maxSamples'>): Budget {
  return { first: 1000, most: Math.max(1000, maxSamples), tolerance };
}

/** Random coalitions; the first row of all is the whole input, as in the authors' implementation. */
function drawn(count: number, players: number, source: Random, withWhole: boolean): Uint8Array {
  return filled(new Uint8Array(count * players), (i) => ((withWhole && i < players) || source.uniform() < 0.5 ? 1 : 0));
}
