import { WhereforeError } from '../../errors.ts';
import { cholesky, solveCholesky } from '../../linear-algebra/cholesky.js';
import { normals, random } from '../../tensor/random.ts';
import { blockOf } from '../dense-gradients.ts';
import type { Block, GradientMaterial, TwoSided } from '../gradient-material.ts';
import {
  dotRows,
  identity,
  type Matrix,
  type Matrix64,
  matrix,
  product,
  rowOf,
  times,
  transposed,
  zeros,
} from '../matrix.ts';
import type { Given, Runner } from '../method.ts';
import { dotsWith, heldRows, rangesOf, secondMoments } from '../projected-rows.ts';
import { bothSides, unchanged } from '../side.ts';

/** Random directions of both sides of every block, `k` at most; a side that is not longer is kept as it is. */
export function randomProjections(blocks: readonly Block[], k: number, seed: number): TwoSided[] {
  const side = (size: number, stream: number): Matrix64 => {
    if (size <= k) return identity(size);
    const draw = Float64Array.from(normals(k * size, random(seed, stream)));
    return matrix(
      k,
      size,
      draw.map((value) => value / Math.sqrt(k)),
    ) as Matrix64;
  };
  return blocks.map(({ rows, columns }, b) => ({ left: side(rows, 20 + 2 * b), right: side(columns, 21 + 2 * b) }));
}

/** Projections of vectors that are held, block after block as `GradientMaterial.project` gives those of rows. */
export function projectVectors(
  vectors: Matrix64,
  blocks: readonly Block[],
  projections: readonly TwoSided[],
): Matrix64 {
  const widths = widthsOf(projections);
  const result = zeros(
    vectors.rows,
    widths.reduce((sum, width) => sum + width, 0),
  );
  for (let q = 0; q < vectors.rows; q++) {
    let at = q * result.columns;
    for (const [b, block] of blocks.entries()) {
      result.data.set(bothSides(blockOf(vectors, q, block), projections[b]).data, at);
      at += widths[b];
    }
  }
  return result;
}

/** What `projectVectors` is multiplied with, as vectors of all weights: `⟨v, P g⟩ = ⟨Pᵀ v, g⟩`. */
function liftVectors(projected: Matrix64, blocks: readonly Block[], projections: readonly TwoSided[]): Matrix64 {
  const size = blocks.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  const widths = widthsOf(projections);
  const result = zeros(projected.rows, size);
  for (let q = 0; q < projected.rows; q++) {
    let at = 0;
    for (const [b, { offset }] of blocks.entries()) {
      const { left, right } = projections[b];
      const own = matrix(left.rows, right.rows, rowOf(projected, q).subarray(at, at + widths[b]));
      result.data.set(product(product(transposed(left), own), right).data, q * size + offset);
      at += widths[b];
    }
  }
  return result;
}

const widthsOf = (projections: readonly TwoSided[]) => projections.map(({ left, right }) => left.rows * right.rows);

/** `M + share · mean diagonal` of a second moment. @throws WhereforeError `out-of-range` for gradients of zeros */
function damped(moment: Float64Array, size: number, share: number, what: string): Matrix64 {
  const data = Float64Array.from(moment);
  let trace = 0;
  for (let j = 0; j < size; j++) trace += data[j * size + j];
  if (!(trace > 0))
    throw new WhereforeError('out-of-range', `${what} has no gradients`, { fix: 'leave the layer out' });
  for (let j = 0; j < size; j++) data[j * size + j] += (share * trace) / size;
  return { rows: size, columns: size, data };
}

function solveRowsOf(moment: Matrix64, right: Matrix): Matrix64 {
  const { factor } = cholesky(moment.data, moment.rows);
  if (!factor)
    throw new WhereforeError('out-of-range', 'the second moment of the projections is singular', {
      fix: 'set a larger share',
    });
  const solved = zeros(right.rows, right.columns);
  for (let q = 0; q < right.rows; q++)
    solved.data.set(solveCholesky(factor, Float64Array.from(rowOf(right, q))), q * right.columns);
  return solved;
}

export interface ProjectedParameters {
  /** Directions of each side of a layer. */
  readonly side: number;
  /** Damping, as a share of the mean second moment. */
  readonly share: number;
}

/** Per block: `τ_i = −(1/n) P(∇f)ᵀ (XᵀX/n + δ)⁻¹ P(g_i)`, `P(G) = P_oᵀ G P_i`. */
export const logra: Runner<'gradients', ProjectedParameters> = {
  async score(given, { side, share }) {
    const { gradients } = given;
    const { rows, queries, projections } = await projected(given, side);
    const ranges = rangesOf(rows.widths);
    const moments = await secondMoments(rows, ranges, { what: 'second moment of each block' });
    const solved = zeros(queries.rows, queries.columns);
    for (const [b, { from, count }] of ranges.entries()) {
      const moment = damped(moments[b], count, share, `layer "${gradients.blocks[b].name}"`);
      const part = solveRowsOf(moment, columnsOf(queries, from, count));
      for (let q = 0; q < queries.rows; q++) solved.data.set(rowOf(part, q), q * queries.columns + from);
    }
    const values = await dotsWith(rows, solved);
    for (let j = 0; j < values.data.length; j++) values.data[j] /= -gradients.rows;
    const direction = times(liftVectors(solved, gradients.blocks, projections), -1 / gradients.rows);
    return {
      values,
      notes: [`projected to ${queries.columns} of ${gradients.parameters} numbers a row`],
      directions: [direction],
    };
  },
};

/** `⟨P(g_i), (XᵀX/n + δ)⁻¹ P(g_j)⟩` of some rows, summed over the blocks, as {@link logra} has it between row and query. */
export async function preconditionedProducts(
  gradients: GradientMaterial,
  at: readonly number[],
  { side, share, seed }: ProjectedParameters & { readonly seed: number },
): Promise<Matrix64> {
  const rows = await gradients.project(randomProjections(gradients.blocks, side, seed));
  const ranges = rangesOf(rows.widths);
  const moments = await secondMoments(rows, ranges, { what: 'second moment of each block' });
  const chosen = zeros(
    at.length,
    rows.widths.reduce((sum, width) => sum + width, 0),
  );
  for await (const { first, values } of rows.pieces())
    for (const [k, row] of at.entries())
      if (row >= first && row < first + values.rows) chosen.data.set(rowOf(values, row - first), k * chosen.columns);
  const sum = zeros(at.length, at.length);
  for (const [b, { from, count }] of ranges.entries()) {
    // A layer that no row reaches says nothing of any.
    if (moments[b].every((value) => value === 0)) continue;
    const own = columnsOf(chosen, from, count);
    const moment = damped(moments[b], count, share, `layer "${gradients.blocks[b].name}"`);
    const part = dotRows(own, solveRowsOf(moment, own));
    for (let j = 0; j < sum.data.length; j++) sum.data[j] += part.data[j];
  }
  return sum;
}

async function projected({ gradients, seed }: Pick<Given<'gradients'>, 'gradients' | 'seed'>, side: number) {
  const projections = randomProjections(gradients.blocks, side, seed);
  return {
    projections,
    rows: await gradients.project(projections),
    queries: projectVectors(await gradients.queries(), gradients.blocks, projections),
  };
}

/** Some columns of a matrix. */
function columnsOf(of: Matrix64, from: number, count: number): Matrix64 {
  const result = zeros(of.rows, count);
  for (let i = 0; i < of.rows; i++) result.data.set(rowOf(of, i).subarray(from, from + count), i * count);
  return result;
}

/** `−g/(1 − p)` is the gradient of the log-odds; where p is 1 but for rounding, float32 holds no gradient to divide. */
const leastDoubt = 1e-6;

/** `φ = P ∇ log(p/(1−p))`, `τ = mean over models of φ_t (ΦᵀΦ + λ)⁻¹ φ_i`, times the mean 1 − p_i. */
export const trak: Runner<'gradients', ProjectedParameters> = {
  async score(given, { side, share }) {
    const { gradients } = given;
    const { rows, queries } = await projected(given, side);
    const confidences = await gradients.confidences();
    const odds = (p: number) => 1 / Math.max(leastDoubt, 1 - p);
    const weight = (i: number) => odds(confidences.rows[i]);
    const ranges = [{ from: 0, count: queries.columns }];
    const [moment] = await secondMoments(rows, ranges, { what: 'second moment of the log-odds', weight });
    for (let q = 0; q < queries.rows; q++)
      for (let j = 0; j < queries.columns; j++) queries.data[q * queries.columns + j] *= odds(confidences.queries[q]);
    const values = await dotsWith(rows, solveRowsOf(damped(moment, queries.columns, share, 'the model'), queries));
    for (let q = 0; q < values.rows; q++)
      for (let i = 0; i < values.columns; i++)
        values.data[q * values.columns + i] *= (-weight(i) * (1 - confidences.rows[i])) / gradients.rows;
    return {
      values,
      notes: [
        'one model: TRAK is meant as a mean over several',
        `share ${share} of the mean second moment as λ: the ranking depends on it (${gradients.parameters} weights)`,
      ],
    };
  },
};

export interface TrackStarParameters extends ProjectedParameters {
  /** Share of the queries' second moment in the mixed one. */
  readonly mix: number;
}

/**
 * Gradients over the square root of their second moment (of rank one in each block, as Adafactor keeps it), projected, times
 * `R^{-1/2}` with R a mix of the rows' and the queries' second moments, and of length 1: then their dot product.
 */
export const trackStar: Runner<'gradients', TrackStarParameters> = {
  async score({ gradients, seed }, { side, share, mix }) {
    const { blocks } = gradients;
    const squares = await gradients.rotatedSecondMoments(
      blocks.map(({ rows, columns }) => ({ left: unchanged(rows), right: unchanged(columns) })),
      'given',
      seed,
    );
    const projections = randomProjections(blocks, side, seed).map((projection, b) =>
      scaled(projection, squares[b], blocks[b]),
    );
    const rows = await gradients.project(projections);
    const queries = projectVectors(await gradients.queries(), blocks, projections);
    const width = queries.columns;
    const ranges = [{ from: 0, count: width }];
    const [ofRows] = await secondMoments(rows, ranges, { what: 'second moment' });
    const [ofQueries] = await secondMoments(heldRows(queries, rows.widths), ranges, { what: 'of the queries' });
    const moment = damped(ofRows, width, share, 'the model');
    const other = damped(ofQueries, width, share, 'the query');
    const scale = traceOf(moment) / traceOf(other);
    for (let j = 0; j < moment.data.length; j++)
      moment.data[j] = (1 - mix) * moment.data[j] + mix * scale * other.data[j];
    const { values: lambda, vectors } = await gradients.eigen(moment.data, moment.rows);
    const root = zeros(moment.rows, moment.rows);
    for (let i = 0; i < moment.rows; i++)
      for (let j = 0; j < moment.rows; j++)
        root.data[i * moment.rows + j] = vectors[i * moment.rows + j] / Math.sqrt(lambda[i]);
    const asked = unit(dotRows(queries, root));
    const values = zeros(queries.rows, rows.rows);
    for await (const piece of rows.pieces()) {
      const part = dotRows(asked, unit(dotRows(piece.values, root)));
      for (let q = 0; q < part.rows; q++)
        for (let i = 0; i < part.columns; i++)
          values.data[q * rows.rows + piece.first + i] = -part.data[q * part.columns + i];
    }
    return {
      values,
      notes: [
        `projected to ${width} of ${gradients.parameters} numbers a row; second moments of the gradients, not of the optimiser`,
      ],
    };
  },
};

/** The projection of `g/√V`, with `V ≈ r cᵀ/mean`: both sides scaled. */
function scaled({ left, right }: TwoSided, squares: Float64Array, { rows, columns }: Block): TwoSided {
  const [r, c] = [new Float64Array(rows), new Float64Array(columns)];
  let mean = 0;
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) {
      r[i] += squares[i * columns + j] / columns;
      c[j] += squares[i * columns + j] / rows;
      mean += squares[i * columns + j] / (rows * columns);
    }
  // A row or column of zeros (an input that is always 0) has no gradient to scale.
  const inverse = (value: number) => (value > 0 ? Math.sqrt(Math.sqrt(mean) / value) : 0);
  return { left: product(left, diagonal(r.map(inverse))), right: product(right, diagonal(c.map(inverse))) };
}

function diagonal(values: Float64Array): Matrix64 {
  const result = zeros(values.length, values.length);
  for (let i = 0; i < values.length; i++) result.data[i * values.length + i] = values[i];
  return result;
}

function traceOf({ data, rows }: Matrix64): number {
  let trace = 0;
  for (let i = 0; i < rows; i++) trace += data[i * rows + i];
  return trace;
}

function unit(of: Matrix64): Matrix64 {
  for (let i = 0; i < of.rows; i++) {
    const row = of.data.subarray(i * of.columns, (i + 1) * of.columns);
    let squares = 0;
    for (const value of row) squares += value * value;
    if (squares > 0) for (let j = 0; j < row.length; j++) row[j] /= Math.sqrt(squares);
  }
  return of;
}
