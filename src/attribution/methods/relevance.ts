import * as z from 'zod/mini';
import { timesFeatures } from './gradient.ts';
import type { Method } from './method.ts';
import type { RelevanceOptions } from './rules/relevance.ts';

const rulesOf = async (options: RelevanceOptions) => (await import('./rules/relevance.ts')).relevanceRules(options);

const shared = {
  source:
    'Bach et al. 2015, "On Pixel-Wise Explanations for Non-Linear Classifier Decisions by Layer-Wise Relevance Propagation", PLoS ONE 10(7)',
  needs: 'gradient',
  layers: 'any',
  baseline: 'unused',
  implicitBaseline: {
    kind: 'none',
    text: 'nothing: relevance adds up to the output itself, less what biases and ε take',
  },
  implicitTarget: 'output',
  meaning: { kind: 'share', what: 'a share of the output' },
  completeness: 'none',
  zeroDifference: false,
} as const;

const epsilonParameters = z.strictObject({ epsilon: z._default(z.number().check(z.minimum(0)), 1e-6) });

/** Relevance in proportion to what each input added, signs and all. Without biases and with a small ε, `ΣA = f(x)`. */
export const lrpEpsilon: Method<z.infer<typeof epsilonParameters>> = {
  ...shared,
  title: 'LRP-ε',
  formula:
    'R_i = Σ_j x_i w_ij / (y_j + ε sign y_j) · R_j,  R = f(x) at the output; with a large ε, a batch normalization that the exporter folded into a convolution gives other values than one that it kept',
  parameters: epsilonParameters as z.core.$ZodType<z.infer<typeof epsilonParameters>>,
  gradientAtInput: rulesOf,
  cost: () => ({ forward: 0, backward: 1 }),
  run: timesFeatures,
};

const alphaBetaParameters = z.strictObject({
  alpha: z._default(z.number().check(z.minimum(1)), 2).check(z.describe('β is α − 1, so that relevance is conserved')),
  epsilon: z._default(z.number().check(z.minimum(0)), 1e-6),
});

const alphaBetaOf = ({ alpha, epsilon }: z.infer<typeof alphaBetaParameters>): RelevanceOptions => ({
  epsilon,
  alphaBeta: { alpha, beta: alpha - 1 },
});

/** Positive and negative parts apart in every layer with weights; LRP-ε elsewhere. */
export const lrpAlphaBeta: Method<z.infer<typeof alphaBetaParameters>> = {
  ...shared,
  title: 'LRP-αβ',
  formula:
    'R_i = Σ_j (α (x_i w_ij)⁺/z_j⁺ − β (x_i w_ij)⁻/z_j⁻) R_j,  β = α − 1; biases take nothing; a batch normalization that the exporter folded into a convolution gives other values than one that it kept',
  parameters: alphaBetaParameters as z.core.$ZodType<z.infer<typeof alphaBetaParameters>>,
  // Four more products each way in every layer with weights.
  gradientAtInput: (parameters) => rulesOf(alphaBetaOf(parameters)),
  cost: () => ({ forward: 4, backward: 4 }),
  async run(context) {
    const { passes } = context.prepared;
    const result = await timesFeatures(context);
    passes.forward += 4;
    passes.backward += 3;
    return result;
  },
};
