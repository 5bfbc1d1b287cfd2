import * as z from 'zod/mini';
import type { Method } from './method.ts';

const parameters = z.strictObject({
  samples: z._default(z.int().check(z.minimum(1), z.maximum(1_000_000)), 200),
  seed: z._default(z.number(), 0),
  positions: z
    .optional(z.array(z.number().check(z.minimum(0), z.maximum(1))).check(z.minLength(1)))
    .check(
      z.describe(
        'The place of each point on its path, instead of random ones; point k starts from baseline sample k mod n',
      ),
    ),
});

export type ExpectedGradientsParameters = z.infer<typeof parameters>;

/**
 * Integrated gradients averaged over baselines: each point lies somewhere on the path from one sample of the baseline to
 * the input. Also known as GradientSHAP (which adds noise to the input). `ΣA → f(x) − mean f(x0)`.
 */
export const expectedGradients: Method<ExpectedGradientsParameters> = {
  title: 'Expected gradients (GradientSHAP)',
  source: 'Erion et al. 2021, arXiv 1906.10670; Lundberg, Lee 2017, arXiv 1705.07874',
  formula: 'A = mean_k (F − F0_k) ⊙ ∂f/∂F(F0_k + t_k (F − F0_k)),  F0_k = φ(sample of the baseline),  t_k in [0, 1]',
  needs: 'gradient',
  layers: 'any',
  baseline: 'required',
  takesSamples: true,
  implicitBaseline: undefined,
  meaning: { kind: 'share', what: 'a share of the difference' },
  completeness: 'convergent',
  zeroDifference: true,
  parameters: parameters as z.core.$ZodType<ExpectedGradientsParameters>,
  cost: ({ samples, positions }) => ({ forward: positions?.length ?? samples, backward: positions?.length ?? samples }),
  run: async (context, options) => (await import('./averaged-paths.ts')).averageOverPaths(context, options),
};
