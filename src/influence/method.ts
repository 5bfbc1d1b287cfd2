import type * as z from 'zod/mini';
import type { Material, Need } from './material.ts';
import type { Matrix64 } from './matrix.ts';

/** How much there is to do: what a cost is computed from. */
export interface Size {
  /** Training rows. */
  readonly rows: number;
  readonly queries: number;
  /** 0 where there are none. */
  readonly classes: number;
  /** Numbers of an embedding; 0 where there are none. */
  readonly width: number;
  /** Weights that gradients are taken with respect to; 0 where there are none. */
  readonly parameters: number;
  /** `Σ n³` over the n×n covariances of the layers' sides, what their eigenvectors take is a multiple of; 0 without gradients. */
  readonly eigenvectors: number;
  /** Checkpoints of the training; 0 where there are none. */
  readonly checkpoints: number;
  /** Times that the training of this model read every row; 0 where it is not known. */
  readonly epochs: number;
  /** Bytes of weights and moments that are held when the training is followed backwards. */
  readonly replayBytes: number;
}

/** What a method will take, before it runs. */
export interface Cost {
  /** Gradients of one row (forward and backward). */
  readonly gradients: number;
  /** Whole trainings. */
  readonly trainings: number;
  /** Multiplications of numbers beside the model's runs. */
  readonly multiplications: number;
  /** Bytes held at once beside the scores. */
  readonly bytes: number;
}

/** What a method may read: the material that its row of the table declares, and nothing else. */
export type Given<N extends Need> = Pick<Material, N> & {
  readonly size: Size;
  /** Determines everything that is drawn. */
  readonly seed: number;
  readonly signal?: AbortSignal;
};

/** Scores of every training row for every query. */
export interface Scores {
  /** queries × rows. Positive: the row helps the query (a proponent); negative: it harms (an opponent). */
  readonly values: Matrix64;
  /** What was done that a reader must know: values found on the way, approximations, what was not available. */
  readonly notes: readonly string[];
  /**
   * Where scores are linear in the gradient of a row: `τ(z) = Σ_k u_k · ∇ℓ(z; θ_k)` for any row z, seen or not, with the
   * vectors u_k (queries × P) at the weights of the model, or at those of each checkpoint.
   */
  readonly directions?: readonly Matrix64[];
}

/** How suspicious each training row is by itself: larger is more suspicious. */
export interface Suspicion {
  readonly values: Float64Array;
  readonly notes: readonly string[];
}

/** What the code of a method offers, loaded when it runs. */
export interface Runner<N extends Need, P> {
  score(given: Given<N>, parameters: P): Scores | Promise<Scores>;
  /** The method's own measure of a row without a query: self-influence, loss. Absent where it has none. */
  suspicion?(given: Given<N>, parameters: P): Suspicion | Promise<Suspicion>;
}

export const families = [
  'control',
  'similarity',
  'shapley',
  'retraining',
  'gradient',
  'curvature',
  'training',
] as const;

/**
 * Which question a score answers: about the trained model in hand (same seed and order), about the recipe (a mean over
 * seeds), or about the data alone, whatever the model.
 */
export type Question = 'this model' | 'this recipe' | 'the data';

/** One row of the table of methods: data; what runs is loaded when it runs. */
export interface InfluenceMethod<N extends Need = Need, P = unknown> {
  readonly title: string;
  /** One line. */
  readonly formula: string;
  /** Paper or definition. */
  readonly source: string;
  readonly family: (typeof families)[number];
  readonly needs: readonly N[];
  /** Unit of a score. `unit of f` is nats where f is a log-probability or the negative loss, the default. */
  readonly unit: string;
  /** What a positive score says of the row. */
  readonly sign: string;
  readonly question: Question;
  /** Whether the scores depend on the query. A control that orders the rows alone gives every query the same scores. */
  readonly readsQuery: boolean;
  /** Whether a row's label counts, so that a copy of the query with another label scores differently. */
  readonly readsLabels: boolean;
  /** Whether the scores of a group's rows may be added up to a prediction for the group. */
  readonly additive: boolean;
  readonly parameters: z.core.$ZodType<P>;
  readonly cost: (size: Size, parameters: P) => Cost;
  readonly load: () => Promise<Runner<N, P>>;
}

/** Fixes the types of one row of the table. */
export function influenceMethod<N extends Need, P>(method: InfluenceMethod<N, P>): InfluenceMethod<N, P> {
  return method;
}

/** A cost of arithmetic alone. */
export function arithmetic(multiplications: number, bytes = 0): Cost {
  return { gradients: 0, trainings: 0, multiplications, bytes };
}
