import * as z from 'zod';
import { gradientAtInput, resultOf } from './gradient.ts';
import type { Method } from './method.ts';

/** The gradient with negative parts dropped at every rectifier: sharp edges, but not a derivative of the model. */
export const guidedBackpropagation: Method<Record<string, never>> = {
  title: 'Guided backpropagation',
  source: 'Springenberg et al. 2014, "Striving for Simplicity: The All Convolutional Net", arXiv 1412.6806',
  formula: 'A = ∂f/∂F with s_x = ReLU(s_y) · ∂y/∂x at every rectifier',
  needs: 'gradient',
  layers: 'any',
  baseline: 'unused',
  implicitBaseline: { kind: 'infinitesimal', text: 'an infinitesimal change' },
  meaning: { kind: 'rate', what: 'a filtered rate of change' },
  completeness: 'none',
  zeroDifference: false,
  parameters: z.strictObject({}),
  gradientAtInput: async () => (await import('./rules/guided.ts')).guidedRules,
  cost: () => ({ forward: 0, backward: 1 }),
  async run(context) {
    const { sums, notes } = await gradientAtInput(context);
    return { ...resultOf(context.features, sums), gradientNotes: notes };
  },
};
