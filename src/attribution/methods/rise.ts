import * as z from 'zod';
import { maskBudget, sampledMasks } from './masks.ts';
import type { Method } from './method.ts';
import { samplingTolerance, triesOf } from './sureness.ts';

export const maskParameters = z.strictObject({
  samples: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe('Masks to evaluate, no more and no fewer. Default 1000, and then as many as the tolerance asks for'),
  tolerance: samplingTolerance,
  maxSamples: z.int().min(1).max(1_000_000).default(4000).describe('Masks at most, where samples are not stated'),
  cells: z
    .int()
    .min(1)
    .max(64)
    .default(7)
    .describe('Cells a side of the coarse grid, where the layer has rows and columns and no groups are named'),
  shown: z.number().gt(0).lt(1).default(0.5).describe('Probability that a cell or a group is shown'),
  seed: z.number().default(0),
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
  parameters: maskParameters as z.ZodType<MaskParameters>,
  cost: ({ samples, ...sure }) => ({ forward: triesOf(maskBudget(sure), samples).at(-1) as number, backward: 0 }),
  async run(context, options) {
    const { weights: _, ...result } = await sampledMasks(
      context,
      options,
      async (points) => (await context.prepared.evaluate(points)).target,
    );
    return result;
  },
};
