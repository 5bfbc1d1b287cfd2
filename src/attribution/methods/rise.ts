import { z } from 'zod';
import { maskedPoints, randomMasks, weightedMasks } from './masks.ts';
import { type Method, onlyReference, sumOf } from './method.ts';

export const maskParameters = z.strictObject({
  samples: z.int().min(1).max(1_000_000).default(1000),
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
  cost: ({ samples }) => ({ forward: samples, backward: 0 }),
  async run(context, options) {
    const masks = randomMasks(context, options);
    const { target } = await context.prepared.evaluate(
      maskedPoints(context.features, onlyReference(context), masks, context.layer),
    );
    const values = weightedMasks(masks, target, options.shown, context.layer);
    return { values, sum: sumOf([...values.values()].map(({ data }) => data)) };
  },
};
