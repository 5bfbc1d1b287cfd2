import * as z from 'zod/mini';
import { influenceMethod } from '../method.ts';

/** Methods that follow the training itself. */
export const trainingMethods = {
  unrolled: influenceMethod({
    title: 'Unrolled influence',
    formula: 'τ_i = ∂f(θ_T)/∂w_i, w_i the weight of row i in every step of the training',
    source: 'Ilyas, Engstrom: MAGIC, near-optimal data attribution for deep learning. arXiv 2504.16430',
    family: 'training',
    needs: ['unrolling'],
    unit: 'unit of f',
    sign: 'positive: f grows with the weight of the row in the training of this model',
    question: 'this model',
    readsQuery: true,
    readsLabels: true,
    additive: true,
    parameters: z.strictObject({}),
    // Three trainings to see how smooth it is; twice forwards; once backwards for each query, over a step that holds a
    // backward pass itself.
    cost: ({ rows, queries, epochs, replayBytes }) => ({
      gradients: epochs * rows * (3 + 2 * (1 + queries)),
      trainings: 0,
      multiplications: 0,
      bytes: 8 * rows * queries + replayBytes,
    }),
    load: async () => (await import('./unrolled.ts')).unrolled,
  }),
  source: influenceMethod({
    title: 'SOURCE',
    formula:
      'τ_i = −(1/n) Σ_l r_l (1 − e^{−c_l H_l}) H_l⁻¹ g_i(θ_l), r_{l−1} = r_l e^{−c_l H_l}, H whole up to 1,000 weights, else of EK-FAC',
    source: 'Bae et al.: Training Data Attribution via Approximate Unrolled Differentiation. NeurIPS 2024',
    family: 'training',
    needs: ['checkpoints'],
    unit: 'unit of f',
    sign: 'positive: f is larger with the row than without it',
    question: 'this recipe',
    readsQuery: true,
    readsLabels: true,
    additive: true,
    parameters: z.strictObject({
      momentum: z._default(z.number().check(z.minimum(0), z.lt(1)), 0),
      labels: z._default(z.enum(['sampled', 'given']), 'sampled'),
      whole: z._default(z.int().check(z.minimum(0)), 1000),
    }),
    // Passes over the rows at each checkpoint, and two rotations of every query there.
    cost: ({ rows, queries, classes, parameters, checkpoints }, { whole }) => {
      const isWhole = parameters <= whole;
      const curvature = isWhole ? parameters ** 2 * (rows * classes + parameters) : 10 * parameters ** 1.5;
      const acting = queries * (isWhole ? 4 * parameters ** 2 : 8 * parameters ** 1.5);
      return {
        gradients: (isWhole ? 1 + classes : 3) * rows * checkpoints + queries,
        trainings: 0,
        multiplications: checkpoints * (curvature + acting + queries * rows * parameters),
        bytes: 8 * (rows * queries + parameters * (4 + 2 * queries) + (isWhole ? 3 * parameters ** 2 : 0)),
      };
    },
    load: async () => (await import('./source.ts')).source,
  }),
} as const;
