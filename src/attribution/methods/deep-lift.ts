import * as z from 'zod/mini';
import type { Tensor } from '../../tensor/tensor.ts';
import { pointOf } from '../points.ts';
import { timesDifference } from './difference.ts';
import { resultOf } from './gradient.ts';
import { type Method, onlyReference } from './method.ts';

/**
 * Differences of every unit to what it is at the baseline, passed back in full by the rescale rule: one forward and
 * one backward pass, and `ΣA = T` at a cut, whatever the network saturates.
 */
export const deepLift: Method<Record<string, never>> = {
  title: 'DeepLIFT (rescale)',
  source:
    'Shrikumar, Greenside, Kundaje 2017, arXiv 1704.02685; maximum, products and Softmax as in Lundberg, Lee 2017, arXiv 1705.07874',
  formula: 'A = (F − φ(x0)) ⊙ m,  m_x = m_y · Δy/Δx through every function of one element',
  needs: 'gradient',
  layers: 'any',
  baseline: 'required',
  implicitBaseline: undefined,
  meaning: { kind: 'share', what: 'a share of the difference' },
  completeness: 'exact',
  zeroDifference: true,
  parameters: z.strictObject({}),
  // The reference runs beside the input.
  cost: () => ({ forward: 2, backward: 1 }),
  async run(context) {
    const { features } = onlyReference(context);
    const { prepared, layer } = context;
    const { deepLiftRules } = await import('./rules/deep-lift.ts');
    const { sums, notes } = await prepared.gradient(pointOf(context.features), {
      wrt: layer,
      rules: deepLiftRules(features),
    });
    prepared.passes.forward++;
    for (const [name, sum] of sums) {
      const [present, absent] = [context.features.get(name), features.get(name)] as Tensor<'float32'>[];
      for (let i = 0; i < sum.length; i++) sum[i] = timesDifference(sum[i], present.data[i] - absent.data[i]);
    }
    return { ...resultOf(context.features, sums), gradientNotes: notes };
  },
};
