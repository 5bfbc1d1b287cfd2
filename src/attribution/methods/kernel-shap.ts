import { z } from 'zod';
import { WhereforeError } from '../../errors.ts';
import { random } from '../../tensor/random.ts';
import { kernelCoalitions, shapleyKernel, type WeightedCoalitions } from './coalitions.ts';
import { gameOf, gamePasses } from './game.ts';
import { weightedLeastSquares } from './least-squares.ts';
import type { Method } from './method.ts';

const parameters = z.strictObject({
  samples: z
    .int()
    .min(2)
    .max(1_000_000)
    .optional()
    .describe(
      'Coalitions to evaluate; where they suffice for all of them, the result is exact. Default 1024, or 4 a group where that is more',
    ),
  seed: z.number().default(0),
  coalitions: z
    .array(z.array(z.union([z.literal(0), z.literal(1)])))
    .optional()
    .describe('The coalitions themselves, a row of 0 and 1 each, instead of samples; each weighs what the kernel says'),
});

export type KernelShapParameters = z.infer<typeof parameters>;

/** Shapley values as the weighted least-squares fit of an additive game, with `Σ A = v(all) − v(nobody)` exact. */
export const kernelShap: Method<KernelShapParameters> = {
  title: 'KernelSHAP',
  source: 'Lundberg, Lee 2017, arXiv 1705.07874; paired samples after Covert, Lee 2021, arXiv 2012.01536',
  formula:
    'A = argmin_φ Σ_S π(|S|) (v(S) − v(∅) − Σ_{g ∈ S} φ_g)², Σ φ = v(all) − v(∅), π(s) = (M − 1) / (C(M, s) s (M − s))',
  needs: 'outputs',
  layers: 'any',
  baseline: 'required',
  takesSamples: true,
  usesGroups: true,
  implicitBaseline: undefined,
  meaning: { kind: 'share', what: 'a share of the difference' },
  completeness: 'exact',
  zeroDifference: true,
  parameters: parameters as z.ZodType<KernelShapParameters>,
  cost: ({ samples, coalitions }, work) => {
    const { groups } = work;
    const all = groups < 31 ? 2 ** groups - 2 : Number.POSITIVE_INFINITY;
    const rows = coalitions ? coalitions.length : Math.min(samplesFor(groups, samples), Math.max(0, all));
    return { forward: gamePasses(rows, work), backward: 0 };
  },
  check({ samples, coalitions }, { players }) {
    if (samples !== undefined && !coalitions && players !== undefined) checkSamples(samples, players);
  },
  async run(context, { samples, seed, coalitions }) {
    const game = await gameOf(context);
    const { players } = game;
    const chosen = { groups: context.partition.description, players };
    if (players < 2) return { ...game.spread(players ? [game.full - game.empty] : []), chosen };
    const drawn = samplesFor(players, samples);
    if (!coalitions) checkSamples(drawn, players);
    const rows = coalitions ? given(coalitions, players) : kernelCoalitions(players, drawn, random(seed));
    const values = await game.value(rows.coalitions);
    const shares = additiveFit(rows, values, game.empty, game.full, players);
    return { ...game.spread(shares), chosen: { ...chosen, coalitions: values.length } };
  },
};

const samplesFor = (groups: number, asked?: number): number => asked ?? Math.max(1024, 4 * groups);

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

function given(rows: readonly (readonly number[])[], players: number): WeightedCoalitions {
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

/** The fit with the sum held: the last share is what the others leave, `φ_M = Δ − Σ φ_j`. */
export function additiveFit(
  { coalitions, weights }: WeightedCoalitions,
  values: Float64Array,
  empty: number,
  full: number,
  players: number,
): Float64Array {
  const columns = players - 1;
  const rest = values.map((value, k) => value - empty - coalitions[k * players + columns] * (full - empty));
  const fill = (k: number, row: Float64Array) => {
    const last = coalitions[k * players + columns];
    for (let j = 0; j < columns; j++) row[j] = coalitions[k * players + j] - last;
  };
  const fitted = weightedLeastSquares({ columns, fill }, rest, weights);
  const shares = new Float64Array(players);
  shares.set(fitted);
  shares[columns] = full - empty - fitted.reduce((sum, share) => sum + share, 0);
  return shares;
}
