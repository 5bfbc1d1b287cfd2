import * as z from 'zod';
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
    // Twice forwards; once backwards for each query, over a step that holds a backward pass itself.
    cost: ({ rows, queries, epochs, replayBytes }) => ({
      gradients: 2 * epochs * rows * (1 + queries),
      trainings: 0,
      multiplications: 0,
      bytes: 8 * rows * queries + replayBytes,
    }),
    load: async () => (await import('./unrolled.ts')).unrolled,
  }),
} as const;
