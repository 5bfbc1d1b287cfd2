import type { Matrix } from './matrix.ts';

/** One weight matrix of a layer, its bias as a last column, as a part of the vector of all parameters. */
export interface Block {
  readonly name: string;
  /** Outputs of the layer. */
  readonly rows: number;
  /** Inputs, and 1 where there is a bias. */
  readonly columns: number;
  /** Position of the block's first weight in the vector; the block lies there row by row. */
  readonly offset: number;
}

/** Second moments of one block's gradient factors: `A = E[a aᵀ]` of the inputs, `S = E[s sᵀ]` of the outputs' gradients. */
export interface Covariances {
  /** columns × columns. */
  readonly inputs: Float64Array;
  /** rows × rows. */
  readonly outputs: Float64Array;
}

/** A matrix for each block, applied to both sides of the block's gradient: `left · G · rightᵀ`. */
export interface TwoSided {
  /** k × rows. */
  readonly left: Matrix;
  /** l × columns. */
  readonly right: Matrix;
}

/**
 * Gradients of the loss of every training row at one setting of the weights, however they are held: in memory, on disk,
 * or computed anew in every pass. `g_i = ∇ℓ(z_i; θ)`, P numbers.
 */
export interface GradientMaterial {
  /** P. */
  readonly parameters: number;
  readonly blocks: readonly Block[];
  /** Training rows. */
  readonly rows: number;
  /** λ of the training's ½ λ ‖θ‖²; 0 where there is none. */
  readonly weightDecay: number;
  /** `∇f` of every query, queries × P: for f = −loss the negative of the loss's gradient. */
  queries(): Promise<Matrix>;
  /** `d · g_i` for every direction and row: directions × rows. @param block only this block's part of both */
  dot(directions: Matrix, block?: Block): Promise<Matrix>;
  /** `‖g_i‖²` of every row. @param block only this block's part */
  squaredNorms(block?: Block): Promise<Float64Array>;
  /** `Σ_i w_qi g_i` for every row q of weights: the transpose of `dot`. @param block only this block's part, others 0 */
  weightedSum(weights: Matrix, block?: Block): Promise<Matrix>;
  /** Each block's `left · G_i · rightᵀ`, block after block: rows × Σ k·l. */
  project(projections: readonly TwoSided[]): Promise<Matrix>;
  /** The same of the queries. */
  projectQueries(projections: readonly TwoSided[]): Promise<Matrix>;
  /**
   * Covariances of every block's factors, over rows and over positions within a row (their count does not divide).
   * @param labels `sampled`: gradients for labels drawn from the model by the seed (the Fisher matrix); `given`: those of
   *   the data (the empirical one)
   */
  covariances(labels: 'sampled' | 'given', seed: number): Promise<readonly Covariances[]>;
  /** `mean_i (left · Ĝ_i · rightᵀ)²`, element by element, for labels as above: k × l numbers for each block. */
  rotatedSecondMoments(
    rotations: readonly TwoSided[],
    labels: 'sampled' | 'given',
    seed: number,
  ): Promise<readonly Float64Array[]>;
  /** `G v` for every row v: the Gauss-Newton matrix `(1/n) Σ Jᵀ (diag p − p pᵀ) J`, without damping or weight decay. */
  gaussNewton(vectors: Matrix): Promise<Matrix>;
  /** Probability that the model gives each row's label. */
  confidences(): Promise<Both64>;
}

export interface Both64 {
  readonly rows: Float64Array;
  readonly queries: Float64Array;
}

/** One checkpoint of a training. */
export interface TrainingCheckpoint {
  /** Steps done. */
  readonly step: number;
  /** Learning rate there. */
  readonly learningRate: number;
  readonly gradients: GradientMaterial;
}
