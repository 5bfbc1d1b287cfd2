import * as z from 'zod/mini';
import { WhereforeError } from '../../errors.ts';
import { random } from '../../tensor/random.ts';
import { coalitionMethod, gamePasses } from './coalition-method.ts';
import type { Method } from './method.ts';
import { appended, type Budget, isSure, relativeTo, samplingTolerance, triesOf } from './sureness.ts';

const parameters = z.strictObject({
  samples: z
    .optional(z.int().check(z.minimum(2), z.maximum(1_000_000)))
    .check(
      z.describe(
        'Coalitions to evaluate, no more and no fewer; where they suffice for all of them, the result is exact. Default 1024, or 4 a group where that is more, and then as many as the tolerance asks for',
      ),
    ),
  tolerance: samplingTolerance,
  maxSamples: z
    ._default(z.int().check(z.minimum(2), z.maximum(1_000_000)), 8192)
    .check(z.describe('Coalitions at most, where samples are not stated')),
  seed: z._default(z.number(), 0),
  coalitions: z
    .optional(z.array(z.array(z.union([z.literal(0), z.literal(1)]))))
    .check(
      z.describe(
        'The coalitions themselves, a row of 0 and 1 each, instead of samples; each weighs what the kernel says',
      ),
    ),
});

export type KernelShapParameters = z.infer<typeof parameters>;

/** Shapley values as the weighted least-squares fit of an additive game, with `Σ A = v(all) − v(∅)` exact. */
export const kernelShap: Method<KernelShapParameters> = {
  title: 'KernelSHAP',
  source: 'Lundberg, Lee 2017, arXiv 1705.07874; paired samples after Covert, Lee 2021, arXiv 2012.01536',
  formula:
    'A = argmin_φ Σ_S π(|S|) (v(S) − v(∅) − Σ_{g ∈ S} φ_g)², Σ φ = v(all) − v(∅), π(s) = (M − 1) / (C(M, s) s (M − s))',
  ...coalitionMethod,
  meaning: { kind: 'share', what: 'a share of the difference' },
  completeness: 'exact',
  parameters: parameters as z.core.$ZodType<KernelShapParameters>,
  cost: ({ samples, coalitions, tolerance, maxSamples }, work) => {
    const { groups } = work;
    const all = groups < 31 ? Math.max(0, 2 ** groups - 2) : Number.POSITIVE_INFINITY;
    const tries = triesOf(budgetOf(groups, { tolerance, maxSamples }), samples);
    const rows = coalitions ? coalitions.length : Math.min(tries[tries.length - 1], all);
    return { forward: gamePasses(rows, work), backward: 0 };
  },
  check({ samples, coalitions }, { players }) {
    if (samples !== undefined && !coalitions && players !== undefined) checkSamples(samples, players);
  },
  async run(context, { samples, seed, coalitions, ...sure }) {
    const { additiveFit, gameOf, KernelSampler, statedCoalitions } = await import('./kernel-fit.ts');
    const game = await gameOf(context);
    const { players } = game;
    const chosen = { groups: context.partition.description, players };
    if (players < 2) return { ...game.spread(players ? [game.full - game.empty] : []), chosen };
    if (coalitions) {
      const rows = statedCoalitions(coalitions, players);
      const values = await game.value(rows.coalitions);
      return {
        ...game.spread(additiveFit(rows, values, game).shares),
        chosen: { ...chosen, coalitions: values.length },
      };
    }
    const budget = budgetOf(players, sure);
    const tries = triesOf(budget, samples);
    checkSamples(tries[0], players);
    const sampler = new KernelSampler(players, tries[0], tries[tries.length - 1], random(seed));
    let values: Float64Array = new Float64Array(0);
    for (let k = 0; ; k++) {
      if (k > 0) sampler.draw((tries[k] - tries[k - 1]) / 2);
      const rows = sampler.coalitions();
      values = appended(values, await game.value(rows.coalitions.subarray(values.length * players)));
      const { shares, errors } = additiveFit(rows, values, game, rows);
      const relative = relativeTo(shares, errors);
      if (k + 1 === tries.length || isSure(relative, budget.tolerance)) {
        return {
          ...game.spread(shares),
          standardErrors: errors && game.spread(errors).values,
          relativeStandardError: relative,
          chosen: { ...chosen, coalitions: values.length },
        };
      }
    }
  },
};

function budgetOf(
  groups: number,
  { tolerance, maxSamples }: Pick<KernelShapParameters, 'tolerance' | 'maxSamples'>,
): Budget {
  const first = Math.max(1024, 4 * groups);
  return { first, most: Math.max(first, maxSamples), tolerance };
}

/** A coalition and its complement say the same of a fit with the sum held: M − 1 unknowns need as many pairs. */
function checkSamples(samples: number, players: number): void {
  const fewest = 2 * (players - 1);
  if (samples >= fewest) return;
  throw new WhereforeError('out-of-range', 'too few coalitions for Shapley values', {
    got: `${samples} for ${players} groups`,
    expected: `at least ${fewest}`,
    fix: 'take more samples (kernel-shap.samples), or fewer groups',
  });
}
