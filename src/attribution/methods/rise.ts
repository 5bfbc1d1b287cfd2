import * as z from 'zod/mini';
import { maskBudget } from './mask-budget.ts';
import type { Method } from './method.ts';
import { samplingTolerance, triesOf } from './sureness.ts';

export const maskParameters = z.strictObject({
  samples: z
    .optional(z.int().check(z.minimum(1), z.maximum(1_000_000)))
    .check(
      z.describe('Masks to evaluate, no more and no fewer. Default 1000, and then as many as the tolerance asks for'),
    ),
  tolerance: samplingTolerance,
  maxSamples: z
    ._default(z.int().check(z.minimum(1), z.maximum(1_000_000)), 4000)
    .check(z.describe('Masks at most, where samples are not stated')),
  cells: z
    ._default(z.int().check(z.minimum(1), z.maximum(64)), 7)
    .check(z.describe('Cells a side of the coarse grid, where the layer has rows and columns and no groups are named')),
  shown: z
    ._default(z.number().check(z.gt(0), z.lt(1)), 0.5)
    .check(z.describe('Probability that a cell or a group is shown')),
  seed: z._default(z.number(), 0),
});

export type MaskParameters = z.infer<typeof maskParameters>;

/** The mean output while an element is shown. Adding a constant to the output adds it to every element. */
export const rise: Method<MaskParameters> = {
  title: 'RISE',
  source: 'Petsiuk, Das, Saenko 2018, arXiv 1806.07421; hidden parts show the stated baseline',
  formula: 'A_i = Σ_k f(x ⊙ M_k + x0 ⊙ (1 − M_k)) M_k(i) / (N p)',
  needs: 'outputs',
  layers: 'any',
  baseline: 'required',
  usesGroups: true,
  implicitBaseline: undefined,
  meaning: { kind: 'score', what: 'an expected output', isMean: true },
  completeness: 'none',
  zeroDifference: false,
  parameters: maskParameters as z.core.$ZodType<MaskParameters>,
  cost: ({ samples, ...sure }) => ({ forward: triesOf(maskBudget(sure), samples).at(-1) as number, backward: 0 }),
  async run(context, options) {
    const { sampledMasks } = await import('./masks.ts');
    const { weights: _, ...result } = await sampledMasks(
      context,
      options,
      async (points) => (await context.prepared.evaluate(points)).target,
    );
    return result;
  },
};
