import * as z from 'zod/mini';
import { float32, type Tensor } from '../../tensor/tensor.ts';
import { resultOf } from './gradient.ts';
import { alongFeatures } from './integrated-gradients.ts';
import type { Method } from './method.ts';
import { quadratures } from './quadrature.ts';

const parameters = z.strictObject({
  steps: z._default(z.int().check(z.minimum(1), z.maximum(100_000)), 50),
  rule: z._default(z.enum(['midpoint', 'trapezoid', 'gauss-legendre']), 'midpoint'),
});

export type ZeroFeatureParameters = z.infer<typeof parameters>;

/**
 * Layer integrated gradients as they are usually run: from a zero feature map, which no input produces. They add up to
 * `g(F) − g(0)`, another difference than `f(x) − f(x0)`, and more steps do not change that.
 */
export const zeroFeatureIntegratedGradients: Method<ZeroFeatureParameters> = {
  title: 'Integrated gradients from a zero feature',
  source: 'Sundararajan, Taly, Yan 2017, arXiv 1703.01365, at a layer as in Captum 2020, arXiv 2009.07896',
  formula: 'A = F ⊙ Σ_k w_k ∂f/∂F(t_k F)',
  needs: 'gradient',
  layers: 'any',
  baseline: 'unused',
  implicitBaseline: { kind: 'zero-feature', text: 'a zero feature' },
  implicitTarget: 'zero-feature',
  meaning: { kind: 'share', what: 'a share of the difference from a zero feature' },
  completeness: 'none',
  zeroDifference: false,
  parameters: parameters as z.core.$ZodType<ZeroFeatureParameters>,
  cost: ({ steps, rule }) => {
    const count = quadratures[rule](steps).weights.length;
    return { forward: count, backward: count };
  },
  async run(context, { steps, rule }) {
    const zero = new Map(
      [...context.features].map(([name, { shape }]) => [
        name,
        float32(shape, new Float32Array((context.features.get(name) as Tensor).data.length)),
      ]),
    );
    const { sums, notes } = await alongFeatures(context, zero, quadratures[rule](steps));
    return { ...resultOf(context.features, sums), gradientNotes: notes };
  },
};
