import type { Matrix, Matrix64 } from './matrix.ts';
import type { ProjectedRows } from './projected-rows.ts';
import type { Side } from './side.ts';

/** One weight matrix of a layer, its bias as a last column, as a part of the vector of all parameters. */
export interface Block {
  readonly name: string;
  /** Outputs of the layer. */
  readonly rows: number;
  /** Inputs, and 1 where there is a bias. */
  readonly columns: number;
  /** Position of the block's first weight in the vector; the block lies there row by row. */
  readonly offset: number;
  /** The side that is an index into a table: its covariance is diagonal and has no rotation. */
  readonly oneHot?: 'inputs' | 'outputs';
  /** Widths of the parts of a side that is too wide for one covariance: those between parts are left out. */
  readonly parts?: { readonly inputs?: readonly number[]; readonly outputs?: readonly number[] };
}

/**
 * Second moments of one block's gradient factors, `G_i = Σ_t s_it a_itᵀ` over positions t: a mean over rows, of the inputs
 * summed over positions, of the outputs' gradients a mean over them; so that their product is that of one row's gradient.
 */
export interface Covariances {
  /** `A = E_i Σ_t a aᵀ`, columns × columns; of a one-hot side its diagonal, of a side in parts those one behind the other. */
  readonly inputs: Float64Array;
  /** `S = E_i E_t s sᵀ`, rows × rows, likewise. */
  readonly outputs: Float64Array;
}

/** What turns both sides of a block's gradient: `left · G · rightᵀ`; a side that has no matrix stays as it is. */
export interface Rotation {
  readonly left: Side;
  readonly right: Side;
}

/** A matrix for each block, applied to both sides of the block's gradient: `left · G · rightᵀ`. */
export interface TwoSided {
  /** k × rows. */
  readonly left: Matrix;
  /** l × columns. */
  readonly right: Matrix;
}

/** `A = Q diag(λ) Qᵀ`: λ ascending; row i of `vectors` is the eigenvector of λ_i. */
export interface EigenPair {
  readonly values: Float64Array;
  readonly vectors: Float64Array;
}

/** Which labels gradients are taken for: those of the data, or labels drawn from the model's probabilities by the seed. */
export type GradientLabels = 'given' | 'sampled';

/**
 * Gradients of the loss of every training row at one setting of the weights, however they are held: in memory, on disk,
 * or computed anew in every pass. `g_i = ∇ℓ(z_i; θ)`, P numbers, block after block.
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
  queries(): Promise<Matrix64>;
  /** θ, P numbers in the layout of the blocks. */
  weights(): Promise<Float64Array>;
  /** f of every query at the weights θ + step, P numbers in the layout of the blocks; f = −loss, in nats. */
  at(step: Float64Array): Promise<Float64Array>;
  /** `d · g_i` for every direction and row: directions × rows. @param block only this block's part of both */
  dot(directions: Matrix, block?: Block): Promise<Matrix64>;
  /** `‖g_i‖²` of every row. @param block only this block's part */
  squaredNorms(block?: Block): Promise<Float64Array>;
  /** `Σ_i w_qi g_i` for every row q of weights: the transpose of `dot`. */
  weightedSum(weights: Matrix): Promise<Matrix64>;
  /** Each block's `left · G_i · rightᵀ`, block after block: Σ k·l numbers of each row, read in pieces. */
  project(projections: readonly TwoSided[]): Promise<ProjectedRows>;
  /** The covariances of every block's factors for gradients of these labels. */
  covariances(labels: GradientLabels, seed: number): Promise<readonly Covariances[]>;
  /** `mean_i (left · G_i · rightᵀ)²`, element by element: k × l numbers for each block. */
  rotatedSecondMoments(
    rotations: readonly Rotation[],
    labels: GradientLabels,
    seed: number,
  ): Promise<readonly Float64Array[]>;
  /** `Σ_blocks Σ w ∘ (left · G_i · rightᵀ)²` of every row, for the labels of the data. */
  quadratic(rotations: readonly Rotation[], weights: readonly Float64Array[]): Promise<Float64Array>;
  /** `G v` for every row v: the Gauss-Newton matrix `(1/n) Σ Jᵀ (diag p − p pᵀ) J`, without damping or weight decay. */
  gaussNewton(vectors: Matrix): Promise<Matrix64>;
  /** The Gauss-Newton matrix itself, P × P. @throws WhereforeError `out-of-range` where P is too large */
  gaussNewtonMatrix(): Promise<Float64Array>;
  /** Probability that the model gives each label. */
  confidences(): Promise<{ readonly rows: Float64Array; readonly queries: Float64Array }>;
  /** Eigenvectors of a symmetric matrix, where they do not stop other work. */
  eigen(matrix: Float64Array, size: number): Promise<EigenPair>;
}

/** One checkpoint of a training. */
export interface TrainingCheckpoint {
  /** Steps done. */
  readonly step: number;
  /** Learning rate there. */
  readonly learningRate: number;
  readonly gradients: GradientMaterial;
}
