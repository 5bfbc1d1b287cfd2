import * as z from 'zod/mini';
import { influenceMethod } from '../method.ts';
import { enumerates } from './semivalues.ts';

const share = z._default(z.number().check(z.gt(0), z.lt(1)), 0.5);
const subsets = z._default(z.int().check(z.minimum(2)), 200);
const trainings = (count: number, multiplications = 0) => ({
  gradients: 0,
  trainings: count,
  multiplications,
  bytes: 0,
});
const harm = 'positive: f is larger with the row than without it';

/** What methods that train again share, where a row says nothing else. */
const retrained = {
  family: 'retraining',
  needs: ['retraining'],
  unit: 'unit of f',
  sign: harm,
  question: 'this recipe',
  readsQuery: true,
  readsLabels: true,
  additive: true,
} as const;

/** Methods that train again on parts of the rows: what the others estimate, measured. */
export const retrainingMethods = {
  'leave-one-out': influenceMethod({
    ...retrained,
    title: 'Leave-one-out',
    formula: 'τ_i = mean_s f(all; s) − f(all without i; s)',
    source: 'definition',
    additive: false,
    parameters: z.strictObject({ seeds: z._default(z.int().check(z.positive()), 1) }),
    cost: ({ rows }, { seeds }) => trainings(seeds * (rows + 1)),
    load: async () => (await import('./retrained.ts')).leaveOneOut,
  }),
  subsampled: influenceMethod({
    ...retrained,
    title: 'Subsampled influence',
    formula: 'E f(S ∋ i) − E f(S ∌ i), S random subsets of one size',
    source: 'Feldman, Zhang: What Neural Networks Memorize and Why. NeurIPS 2020',
    parameters: z.strictObject({ subsets, share }),
    cost: ({ rows, queries }, parameters) => trainings(parameters.subsets, parameters.subsets * rows * queries),
    load: async () => (await import('./retrained.ts')).subsampled,
  }),
  datamodels: influenceMethod({
    ...retrained,
    title: 'Datamodels',
    formula: 'w = argmin Σ_S (f(S) − w·1_S − b)² + λ‖w‖²',
    source: 'Ilyas et al.: Datamodels. ICML 2022 (there with an L1 penalty)',
    parameters: z.strictObject({ subsets, share, ridge: z._default(z.number().check(z.positive()), 5) }),
    cost: ({ rows, queries }, { subsets: m }) => trainings(m, m * m * rows + m * rows * queries + m ** 3 / 3),
    load: async () => (await import('./retrained.ts')).datamodels,
  }),
  banzhaf: influenceMethod({
    ...retrained,
    title: 'Data Banzhaf',
    formula: 'E f(S ∋ i) − E f(S ∌ i), every row in S with probability ½',
    source: 'Wang, Jia: Data Banzhaf. AISTATS 2023 (maximum sample reuse)',
    family: 'shapley',
    parameters: z.strictObject({ subsets }),
    cost: ({ rows, queries }, { subsets: m }) => trainings(rows < 30 ? Math.min(m, 2 ** rows) : m, m * rows * queries),
    load: async () => (await import('./retrained.ts')).banzhaf,
  }),
  'tmc-shapley': influenceMethod({
    ...retrained,
    title: 'Data Shapley, truncated Monte Carlo',
    formula: 'E_π f(before i in π, and i) − f(before i in π)',
    source: 'Ghorbani, Zou: Data Shapley. ICML 2019',
    family: 'shapley',
    question: 'this model',
    parameters: z.strictObject({
      permutations: z._default(z.int().check(z.positive()), 20),
      tolerance: z._default(z.number().check(z.nonnegative()), 0.01),
    }),
    cost: ({ rows }, { permutations }) => trainings(shapleyTrainings(rows, permutations)),
    load: async () => (await import('./semivalues.ts')).tmcShapley,
  }),
  'beta-shapley': influenceMethod({
    ...retrained,
    title: 'Beta Shapley',
    formula: 'E_π w_{α,β}(place of i) · (f(before i, and i) − f(before i)); small coalitions count more for β > α',
    source: 'Kwon, Zou: Beta Shapley. AISTATS 2022',
    family: 'shapley',
    question: 'this model',
    parameters: z.strictObject({
      permutations: z._default(z.int().check(z.positive()), 20),
      tolerance: z._default(z.number().check(z.nonnegative()), 0),
      alpha: z._default(z.number().check(z.positive()), 16),
      beta: z._default(z.number().check(z.positive()), 1),
    }),
    cost: ({ rows }, { permutations }) => trainings(shapleyTrainings(rows, permutations)),
    load: async () => (await import('./semivalues.ts')).betaShapley,
  }),
  'data-oob': influenceMethod({
    ...retrained,
    title: 'Data-OOB',
    formula: 'mean of f(z_i) over trainings on bootstrap samples without i',
    source: 'Kwon, Zou: Data-OOB. ICML 2023',
    sign: 'small: models trained without the row do not agree with its label',
    readsQuery: false,
    additive: false,
    parameters: z.strictObject({ bags: z._default(z.int().check(z.positive()), 50) }),
    cost: (_, { bags }) => trainings(bags),
    load: async () => (await import('./retrained.ts')).dataOob,
  }),
};

/** Trainings of a semivalue: all coalitions, or permutations walked to their ends and the two ends once. */
function shapleyTrainings(rows: number, permutations: number): number {
  return enumerates(rows, permutations) ? 2 ** rows : permutations * (rows - 1) + 2;
}
