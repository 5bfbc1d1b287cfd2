import * as z from 'zod/mini';
import { float32, type Tensor } from '../../tensor/tensor.ts';
import { curvatureBackward } from '../prepared.ts';
import { timesDifference } from './difference.ts';
import { gradientAtInput, resultOf } from './gradient.ts';
import { type Method, type MethodContext, onlyReference } from './method.ts';

const shared = {
  needs: 'gradient',
  layers: 'any',
  baseline: 'required',
  implicitBaseline: undefined,
  meaning: { kind: 'share', what: 'a share of the difference' },
  completeness: 'none',
  zeroDifference: true,
  parameters: z.strictObject({}) as z.core.$ZodType<Record<string, never>>,
} as const;

/** `F − F0`, per value of the layer. */
function differences(context: MethodContext): Map<string, Tensor<'float32'>> {
  const { features } = onlyReference(context);
  return new Map(
    [...context.features].map(([name, feature]) => {
      const [present, absent] = [feature.data, features.get(name)?.data] as Float32Array[];
      return [
        name,
        float32(
          feature.shape,
          present.map((value, i) => value - absent[i]),
        ),
      ];
    }),
  );
}

/** First-order Taylor expansion at the input, towards the stated baseline; its remainder is the error. */
export const taylor1: Method<Record<string, never>> = {
  ...shared,
  title: 'Taylor expansion, order 1',
  source:
    'Montavon et al. 2017, "Explaining nonlinear classification decisions with deep Taylor decomposition", arXiv 1512.02479',
  formula: 'A = (F − φ(x0)) ⊙ ∂f/∂F(F)',
  gradientAtInput: () => undefined,
  cost: () => ({ forward: 0, backward: 1 }),
  async run(context) {
    const { sums, notes } = await gradientAtInput(context);
    for (const [name, { data }] of differences(context)) {
      const sum = sums.get(name) as Float64Array;
      for (let i = 0; i < sum.length; i++) sum[i] = timesDifference(sum[i], data[i]);
    }
    return { ...resultOf(context.features, sums), gradientNotes: notes };
  },
};

/**
 * Second-order Taylor expansion at the input: `f(F) − f(F0) ≈ ∇f·d − ½ dᵀH d` with `d = F − F0`. An interaction between
 * two features is shared between them equally. Piecewise linear networks have no curvature: there it is order 1.
 */
export const taylor2: Method<Record<string, never>> = {
  ...shared,
  title: 'Taylor expansion, order 2',
  source:
    'Janizek, Sturmfels, Lee 2021, "Explaining Explanations", arXiv 2002.04138 (Hessian); Pearlmutter 1994 (its product with a vector)',
  formula: 'A = d ⊙ (∂f/∂F − ½ H d),  d = F − φ(x0),  at F',
  cost: () => ({ forward: 1, backward: curvatureBackward }),
  async run(context) {
    const d = differences(context);
    const { gradients, products, notes } = await context.prepared.curvature(context.features, d);
    const shares = new Map(
      [...d].map(([name, { data }]) => {
        const [gradient, product] = [gradients.get(name), products.get(name)] as Float64Array[];
        return [name, gradient.map((slope, i) => timesDifference(slope - product[i] / 2, data[i]))];
      }),
    );
    return { ...resultOf(context.features, shares), gradientNotes: notes };
  },
};
