import * as z from 'zod/mini';
import { type Cost, influenceMethod, type Size } from '../method.ts';

const none = z.strictObject({});
const damping = z.optional(z.number().check(z.nonnegative()));
const labels = z._default(z.enum(['sampled', 'given']), 'sampled');
const helps = 'positive: f is larger with the row in the training than without it';
const query = { readsQuery: true, readsLabels: true } as const;

/** What methods share that divide gradients by the curvature, where a row says nothing else. */
const curvature = {
  ...query,
  family: 'curvature',
  needs: ['gradients'],
  unit: 'unit of f',
  sign: helps,
  question: 'this recipe',
  additive: true,
} as const;

/** What products of two gradients share. */
const product = {
  ...query,
  source: 'Charpiat et al.: Input Similarity from the Neural Network Perspective. NeurIPS 2019',
  family: 'gradient',
  needs: ['gradients'],
  sign: 'positive: a step on the row raises f',
  question: 'this model',
  parameters: none,
} as const;

/** `passes` gradients of every row, and those of the queries. */
const passes = ({ rows, queries, parameters }: Size, count: number, multiplications = 0, bytes = 0): Cost => ({
  gradients: count * rows + queries,
  trainings: 0,
  multiplications: multiplications + rows * queries * parameters,
  bytes: bytes + 8 * queries * parameters,
});

/** Methods that compare gradients at one setting of the weights, or at several. */
export const gradientMethods = {
  'grad-dot': influenceMethod({
    ...product,
    title: 'Grad-Dot',
    formula: '∇f · (−g_i)',
    unit: 'unit of f for a step of learning rate 1',
    additive: true,
    cost: (size) => passes(size, 1),
    load: async () => (await import('./gradient-similarity.ts')).gradDot,
  }),
  'grad-cos': influenceMethod({
    ...product,
    title: 'Grad-Cos',
    formula: 'cos(∇f, −g_i)',
    unit: 'cosine',
    additive: false,
    cost: (size) => passes(size, 2),
    load: async () => (await import('./gradient-similarity.ts')).gradCos,
  }),
  'tracin-cp': influenceMethod({
    ...query,
    title: 'TracIn over checkpoints',
    formula: 'Σ_k η_k ∇f(θ_k) · (−g_i(θ_k))',
    source: 'Pruthi et al.: Estimating Training Data Influence by Tracing Gradient Descent. NeurIPS 2020',
    family: 'training',
    needs: ['checkpoints'],
    unit: 'unit of f, of one step of gradient descent at each checkpoint',
    sign: 'positive: steps on the row raise f',
    question: 'this model',
    additive: true,
    parameters: none,
    cost: (size) => passes({ ...size, queries: size.queries * size.checkpoints }, size.checkpoints),
    load: async () => (await import('./gradient-similarity.ts')).tracIn,
  }),
  influence: influenceMethod({
    ...curvature,
    title: 'Influence, exact curvature',
    formula: 'τ_i = −(1/n) ∇fᵀ (G + λ + δ)⁻¹ g_i, G the Gauss-Newton matrix',
    source: 'Koh, Liang: Understanding Black-box Predictions via Influence Functions. ICML 2017',
    parameters: z.strictObject({ damping }),
    cost: (size) =>
      passes(
        size,
        1 + size.classes,
        size.parameters ** 2 * (size.rows * size.classes + size.parameters / 3),
        16 * size.parameters ** 2,
      ),
    load: async () => (await import('./whole-curvature.ts')).exactInfluence,
  }),
  'influence-cg': influenceMethod({
    ...curvature,
    title: 'Influence by conjugate gradients',
    formula: '(G + λ + δ) u = ∇f by products G v; τ_i = −(1/n) u · g_i',
    source: 'Martens: Deep Learning via Hessian-free Optimization. ICML 2010; Koh, Liang 2017',
    parameters: z.strictObject({
      damping,
      iterations: z._default(z.int().check(z.positive()), 50),
      tolerance: z._default(z.number().check(z.nonnegative()), 1e-6),
    }),
    cost: (size, { iterations }) => passes(size, 1 + 2 * size.classes * size.queries * iterations),
    load: async () => (await import('./whole-curvature.ts')).conjugateGradients,
  }),
  'influence-lissa': influenceMethod({
    ...curvature,
    title: 'Influence by LiSSA',
    formula: 'r ← ∇f + r − (G + λ + δ) r/σ, u = r/σ, σ > λ_max',
    source: 'Agarwal, Bullins, Hazan: Second-Order Stochastic Optimization. JMLR 2017',
    parameters: z.strictObject({ damping, iterations: z._default(z.int().check(z.positive()), 200) }),
    cost: (size, { iterations }) => passes(size, 1 + 2 * size.classes * (20 + size.queries * iterations)),
    load: async () => (await import('./whole-curvature.ts')).lissa,
  }),
  'influence-arnoldi': influenceMethod({
    ...curvature,
    title: 'Influence by Arnoldi',
    formula: 'G ≈ Σ_k λ_k v_k v_kᵀ of a Krylov space, its largest eigenvalues alone',
    source: 'Schioppa et al.: Scaling Up Influence Functions. AAAI 2022',
    parameters: z.strictObject({
      damping,
      steps: z._default(z.int().check(z.positive()), 60),
      rank: z._default(z.int().check(z.positive()), 30),
    }),
    cost: (size, { steps }) => passes(size, 1 + 2 * size.classes * steps, 0, 16 * steps * size.parameters),
    load: async () => (await import('./whole-curvature.ts')).arnoldi,
  }),
  'influence-nystrom': influenceMethod({
    ...curvature,
    title: 'Influence by Nyström',
    formula: 'G ≈ Yᵀ(ΩYᵀ)⁻¹Y, Y = ΩG, Ω random',
    source: 'Hataya, Yamada: Nyström Method for Accurate and Scalable Implicit Differentiation. AISTATS 2023',
    parameters: z.strictObject({ damping, rank: z._default(z.int().check(z.positive()), 50) }),
    cost: (size, { rank }) => passes(size, 1 + 2 * size.classes * rank, 0, 24 * rank * size.parameters),
    load: async () => (await import('./whole-curvature.ts')).nystrom,
  }),
};

const factored = z.strictObject({ damping, share: z._default(z.number().check(z.nonnegative()), 0.1), labels });

/** Two passes for the factors and their moments, the eigenvectors of the layers' sides, one for the scores. */
const factoredCost = (size: Size): Cost => passes(size, 3, 10 * size.eigenvectors, 32 * size.parameters);

/** Methods that approximate the curvature layer by layer, or project the gradients. */
export const factoredMethods = {
  'ek-fac': influenceMethod({
    ...curvature,
    title: 'EK-FAC influence',
    formula: '(G + δ)⁻¹ v = Q_S[(Q_Sᵀ V Q_A) ⊘ (Λ + δ)]Q_Aᵀ, Λ = E[(Q_Sᵀ ĝ Q_A)²], δ = .1 · mean Λ of a layer',
    source:
      'Grosse et al.: Studying Large Language Model Generalization with Influence Functions. 2023; George et al. 2018',
    parameters: factored,
    cost: factoredCost,
    load: async () => (await import('./factored-curvature.ts')).ekfac,
  }),
  'k-fac': influenceMethod({
    ...curvature,
    title: 'K-FAC influence',
    formula: 'as EK-FAC with Λ = λ_S λ_Aᵀ',
    source: 'Martens, Grosse: Optimizing Neural Networks with Kronecker-factored Approximate Curvature. ICML 2015',
    parameters: factored,
    cost: factoredCost,
    load: async () => (await import('./factored-curvature.ts')).kfac,
  }),
  'diagonal-fisher': influenceMethod({
    ...curvature,
    title: 'Influence, diagonal curvature',
    formula: '∇f · (−g_i ⊘ (E[ĝ²] + δ))/n',
    source: 'control',
    parameters: factored,
    cost: (size) => passes(size, 2, 0, 32 * size.parameters),
    load: async () => (await import('./factored-curvature.ts')).diagonalFisher,
  }),
  'relat-if': influenceMethod({
    ...curvature,
    title: 'RelatIF',
    formula: 'τ_i/√(g_iᵀ H⁻¹ g_i), H as of EK-FAC',
    source: 'Barshan, Brunet, Dziugaite: RelatIF. AISTATS 2020',
    unit: 'none',
    additive: false,
    parameters: factored,
    cost: (size) => passes(size, 6, 20 * size.eigenvectors, 32 * size.parameters),
    load: async () => (await import('./factored-curvature.ts')).relatIf,
  }),
  'data-inf': influenceMethod({
    ...curvature,
    title: 'DataInf',
    formula: 'by layer: ∇f · (1/λ)(g_i − (1/n) Σ_j g_j (g_j·g_i)/(λ + ‖g_j‖²))',
    source: 'Kwon et al.: DataInf. ICLR 2024',
    unit: 'none: a ranking',
    sign: 'positive: the row helps',
    parameters: z.strictObject({ share: z._default(z.number().check(z.positive()), 0.1) }),
    cost: (size) => passes(size, 4, size.rows * size.queries * size.parameters),
    load: async () => (await import('./factored-curvature.ts')).dataInf,
  }),
  logra: influenceMethod({
    ...curvature,
    title: 'LoGra',
    formula: 'by layer: −(1/n) P(∇f)ᵀ (E[P(g)P(g)ᵀ] + δ)⁻¹ P(g_i), P(G) = P_oᵀ G P_i',
    source: 'Choe et al.: What is Your Data Worth to GPT? 2024',
    parameters: z.strictObject({
      side: z._default(z.int().check(z.positive()), 16),
      share: z._default(z.number().check(z.positive()), 0.1),
    }),
    cost: (size, { side }) => passes(size, 1, size.rows * side ** 4, 8 * size.rows * side ** 2),
    load: async () => (await import('./projected.ts')).logra,
  }),
  trak: influenceMethod({
    ...curvature,
    title: 'TRAK, one model',
    formula: 'φ_t (ΦᵀΦ + λ)⁻¹ φ_i (1 − p_i), φ = P ∇ log(p/(1 − p))',
    source: 'Park et al.: TRAK: Attributing Model Behavior at Scale. ICML 2023',
    unit: 'log-odds',
    sign: 'positive: the row raises the log-odds of the query',
    parameters: z.strictObject({
      side: z._default(z.int().check(z.positive()), 16),
      share: z._default(z.number().check(z.positive()), 0.1),
    }),
    cost: (size, { side }) => passes(size, 1, size.rows * side ** 4, 8 * size.rows * side ** 2),
    load: async () => (await import('./projected.ts')).trak,
  }),
  'track-star': influenceMethod({
    ...curvature,
    title: 'TrackStar',
    formula: 'cos(R^{-½} P(∇f/√V), R^{-½} P(−g_i/√V)), R mixed from rows and queries',
    source: 'Chang et al.: Scalable Influence and Fact Tracing for Large Language Model Pretraining. ICLR 2025',
    unit: 'cosine',
    sign: 'positive: the row helps',
    question: 'this model',
    additive: false,
    parameters: z.strictObject({
      side: z._default(z.int().check(z.positive()), 16),
      share: z._default(z.number().check(z.positive()), 0.1),
      mix: z._default(z.number().check(z.minimum(0), z.maximum(1)), 0.1),
    }),
    cost: (size, { side }) => passes(size, 2, size.rows * side ** 4, 8 * size.rows * side ** 2),
    load: async () => (await import('./projected.ts')).trackStar,
  }),
  'rps-l2': influenceMethod({
    ...query,
    title: 'Representer points',
    formula: 'α_i f_i · f_t, α_i = −(p_i − 1_{y_i})/(2λn) of a refit last layer',
    source: 'Yeh et al.: Representer Point Selection. NeurIPS 2018',
    family: 'similarity',
    needs: ['embeddings', 'labels'],
    unit: 'logit of the class of the query',
    sign: 'positive: the row raises the logit',
    question: 'this model',
    additive: true,
    parameters: z.strictObject({
      l2: z._default(z.number().check(z.positive()), 0.01),
      iterations: z._default(z.int().check(z.positive()), 500),
    }),
    cost: ({ rows, queries, classes, width }, { iterations }) => ({
      gradients: 0,
      trainings: 0,
      multiplications: 3 * iterations * rows * classes * (width + 1) + rows * queries * width,
      bytes: 16 * rows * (width + classes),
    }),
    load: async () => (await import('./representer.ts')).representer,
  }),
};
