import { symmetricEigen } from '../linear-algebra/symmetric-eigen.js';
import type { Block, Covariances, GradientLabels, GradientMaterial, Rotation } from './gradient-material.ts';
import { dotRows, type Matrix, type Matrix64, matrix, product, rowOf, squaredNorms, zeros } from './matrix.ts';
import { heldRows } from './projected-rows.ts';
import { bothSides } from './side.ts';

/** Gradients that lie in memory, in float64, with what else curvature needs. */
export interface DenseGradients {
  readonly blocks: readonly Block[];
  readonly weightDecay: number;
  /** rows × P, of the loss. */
  readonly rows: Matrix64;
  /** queries × P, of f. */
  readonly queries: Matrix64;
  /** rows × P for labels drawn from the model. */
  readonly sampled: (seed: number) => Matrix64;
  readonly covariances: (labels: GradientLabels, seed: number) => readonly Covariances[];
  readonly gaussNewton: () => Float64Array;
  readonly confidences: { readonly rows: Float64Array; readonly queries: Float64Array };
  /** θ. */
  readonly weights: Float64Array;
  /** f of every query at the weights moved by a step. */
  readonly at: (step: Float64Array) => Float64Array;
}

/** One block of a row's gradient: rows × columns of the block. */
export function blockOf(of: Matrix, row: number, { offset, rows, columns }: Block): Matrix {
  return matrix(rows, columns, rowOf(of, row).subarray(offset, offset + rows * columns));
}

/** A {@link GradientMaterial} over gradients in memory: for small models, and what others are compared with. */
export function denseGradients(dense: DenseGradients): GradientMaterial {
  const { blocks, rows, queries, weightDecay } = dense;
  const partOf = (of: Matrix, { offset, rows: r, columns: c }: Block): Matrix64 => {
    const part = zeros(of.rows, r * c);
    for (let i = 0; i < of.rows; i++) part.data.set(rowOf(of, i).subarray(offset, offset + r * c), i * r * c);
    return part;
  };
  const each = (
    of: Matrix,
    transforms: readonly Rotation[],
    use: (row: number, block: number, of: Matrix64) => void,
  ) => {
    for (let i = 0; i < of.rows; i++)
      for (const [b, block] of blocks.entries()) use(i, b, bothSides(blockOf(of, i, block), transforms[b]));
  };
  let known: Float64Array | undefined;
  const matrixOfCurvature = () => (known ??= dense.gaussNewton());
  return {
    parameters: rows.columns,
    blocks,
    rows: rows.rows,
    weightDecay,
    queries: async () => queries,
    weights: async () => dense.weights,
    at: async (step) => dense.at(step),
    dot: async (directions, block) =>
      block ? dotRows(partOf(directions, block), partOf(rows, block)) : dotRows(directions, rows),
    squaredNorms: async (block) => squaredNorms(block ? partOf(rows, block) : rows),
    weightedSum: async (weights) => product(weights, rows),
    async project(projections) {
      const widths = projections.map(({ left, right }) => left.rows * right.rows);
      const result = zeros(
        rows.rows,
        widths.reduce((sum, width) => sum + width, 0),
      );
      each(rows, projections, (i, b, projected) => {
        const before = widths.slice(0, b).reduce((sum, width) => sum + width, 0);
        result.data.set(projected.data, i * result.columns + before);
      });
      return heldRows(result, widths);
    },
    covariances: async (labels, seed) => dense.covariances(labels, seed),
    async rotatedSecondMoments(rotations, labels, seed) {
      const of = labels === 'given' ? rows : dense.sampled(seed);
      const moments = rotations.map(({ left, right }) => new Float64Array(left.rows * right.rows));
      each(of, rotations, (_, b, { data }) => {
        for (let j = 0; j < data.length; j++) moments[b][j] += data[j] ** 2 / of.rows;
      });
      return moments;
    },
    async quadratic(rotations, weights) {
      const sums = new Float64Array(rows.rows);
      each(rows, rotations, (i, b, { data }) => {
        for (let j = 0; j < data.length; j++) sums[i] += weights[b][j] * data[j] ** 2;
      });
      return sums;
    },
    gaussNewton: async (vectors) => product(vectors, matrix(rows.columns, rows.columns, matrixOfCurvature())),
    gaussNewtonMatrix: async () => matrixOfCurvature(),
    confidences: async () => dense.confidences,
    eigen: async (of, size) => symmetricEigen(of, size),
  };
}
