import { WhereforeError } from '../../errors.ts';
import { filled } from '../../tensor/filled.ts';
import { blockOf } from '../dense-gradients.ts';
import type { Block, EigenPair, GradientMaterial, Rotation } from '../gradient-material.ts';
import { type Matrix64, matrix, times, zeros } from '../matrix.ts';
import type { Given, Runner, Scores } from '../method.ts';
import { alongDiagonal, bothSides, type Side, turned, unchanged } from '../side.ts';
import { partsOfCovariance, widthsOfSide } from '../side-parts.ts';

export interface FactoredParameters {
  /** δ of every block. Default: `share` of the block's mean curvature. */
  readonly damping?: number;
  readonly share: number;
  /** Whether labels are drawn from the model (the Fisher matrix) or those of the data. */
  readonly labels: 'sampled' | 'given';
}

/** An approximate curvature: in each block, after a rotation of both sides, a number for each element. */
export interface FactoredCurvature {
  /** `Q_Sᵀ` and `Q_Aᵀ` of each block: rows are eigenvectors. */
  readonly rotations: readonly Rotation[];
  /** Λ of each block, rows × columns. */
  readonly values: readonly Float64Array[];
}

type Fit = (given: Given<'gradients'>, parameters: FactoredParameters) => Promise<FactoredCurvature>;

async function rotationsOf({ gradients, seed }: Given<'gradients'>, labels: 'sampled' | 'given') {
  const covariances = await gradients.covariances(labels, seed);
  const result: { rotation: Rotation; inputs: Float64Array; outputs: Float64Array }[] = [];
  for (const [b, block] of gradients.blocks.entries()) {
    const left = await axesOf(gradients, block, 'outputs', covariances[b].outputs);
    const right = await axesOf(gradients, block, 'inputs', covariances[b].inputs);
    result.push({ rotation: { left: left.axes, right: right.axes }, inputs: right.values, outputs: left.values });
  }
  return result;
}

interface Axes {
  readonly axes: Side;
  /** Variance along each axis. */
  readonly values: Float64Array;
}

/** Eigenvectors of a side's covariance, or of its parts; of a diagonal one (an embedding's inputs) the axes as they are. */
async function axesOf(
  gradients: GradientMaterial,
  block: Block,
  side: 'inputs' | 'outputs',
  of: Float64Array,
): Promise<Axes> {
  const held = widthsOfSide(block, side);
  if (held.kind === 'diagonal') return { axes: unchanged(held.size), values: diagonalOf(of, held.size) };
  const pairs: EigenPair[] = [];
  for (const [k, part] of partsOfCovariance(of, held.widths).entries())
    pairs.push(await gradients.eigen(part, held.widths[k]));
  const parts = pairs.map(({ vectors }, k) => matrix(held.widths[k], held.widths[k], vectors));
  if (parts.length === 1) return { axes: parts[0], values: pairs[0].values };
  const values = new Float64Array(held.size);
  let at = 0;
  for (const pair of pairs) {
    values.set(pair.values, at);
    at += pair.values.length;
  }
  return { axes: alongDiagonal(parts), values };
}

/** A diagonal, also where the whole matrix is held. */
const diagonalOf = (of: Float64Array, size: number) =>
  of.length === size ? of : filled(new Float64Array(size), (i) => of[i * (size + 1)]);

/** What was left out of the covariances. */
function formNotes(blocks: readonly Block[]): string[] {
  const tables = blocks.filter(({ oneHot }) => oneHot).map(({ name }) => name);
  const parted = blocks.flatMap((block) =>
    (['inputs', 'outputs'] as const).flatMap((side) => {
      const widths = block.parts?.[side];
      const size = side === 'inputs' ? block.columns : block.rows;
      return widths ? [`the ${size.toLocaleString('en')} ${side} of ${block.name} in ${widths.length}`] : [];
    }),
  );
  return [
    ...(tables.length > 0
      ? [
          `tables that an index looks up (${tables.join(', ')}): every row its own variance, one covariance of what flows back`,
        ]
      : []),
    ...(parted.length > 0
      ? [`too wide for one covariance, cut into parts: ${parted.join(', ')}; covariances between parts are left out`]
      : []),
  ];
}

/** `Λ = E (Q_Sᵀ ĝ Q_A)²`. */
export const ekfacFit: Fit = async (given, { labels }) => {
  const rotations = (await rotationsOf(given, labels)).map(({ rotation }) => rotation);
  return { rotations, values: await given.gradients.rotatedSecondMoments(rotations, labels, given.seed) };
};

/** `Λ = λ_S λ_Aᵀ`. */
const kfacFit: Fit = async (given, { labels }) => {
  const parts = await rotationsOf(given, labels);
  return {
    rotations: parts.map(({ rotation }) => rotation),
    values: parts.map(({ inputs, outputs }) =>
      filled(
        new Float64Array(inputs.length * outputs.length),
        (j) =>
          // Rounding leaves eigenvalues a little below 0.
          Math.max(0, outputs[Math.floor(j / inputs.length)]) * Math.max(0, inputs[j % inputs.length]),
      ),
    ),
  };
};

/** `Λ = E ĝ²`, without a rotation. */
const diagonalFit: Fit = async ({ gradients, seed }, { labels }) => {
  const rotations = gradients.blocks.map(({ rows, columns }) => ({ left: unchanged(rows), right: unchanged(columns) }));
  return { rotations, values: await gradients.rotatedSecondMoments(rotations, labels, seed) };
};

/** δ of each block, and what was taken. @throws WhereforeError `out-of-range` for a block without curvature */
function dampings({ blocks }: GradientMaterial, { values }: FactoredCurvature, { damping, share }: FactoredParameters) {
  return values.map((block, b) => {
    const value = damping ?? share * (block.reduce((sum, one) => sum + one, 0) / block.length);
    if (!(value > 0))
      throw new WhereforeError('out-of-range', `layer "${blocks[b].name}" has no curvature`, {
        got: `damping ${value}`,
        fix: 'set a damping above 0, or leave the layer out',
      });
    return value;
  });
}

const dampingNote = (values: readonly number[]) =>
  `damping ${values.map((value) => value.toPrecision(2)).join(', ')} (by block)`;

/** `(Q (Λ + δ) Qᵀ)⁻¹ v` of every row v: `Q_S [(Q_Sᵀ V Q_A) ⊘ (Λ + δ)] Q_Aᵀ`. */
export function precondition(
  vectors: Matrix64,
  blocks: readonly Block[],
  { rotations, values }: FactoredCurvature,
  damping: readonly number[],
): Matrix64 {
  const result = zeros(vectors.rows, vectors.columns);
  for (const [b, block] of blocks.entries()) {
    const { left, right } = rotations[b];
    const back = { left: turned(left), right: turned(right) };
    for (let q = 0; q < vectors.rows; q++) {
      const rotated = bothSides(blockOf(vectors, q, block), rotations[b]);
      for (let j = 0; j < rotated.data.length; j++) rotated.data[j] /= values[b][j] + damping[b];
      result.data.set(bothSides(rotated, back).data, q * vectors.columns + block.offset);
    }
  }
  return result;
}

function factoredRunner(fitted: Fit): Runner<'gradients', FactoredParameters> {
  return {
    async score(given, parameters): Promise<Scores> {
      const { gradients } = given;
      const curvature = await fitted(given, parameters);
      const damping = dampings(gradients, curvature, parameters);
      const solved = precondition(await gradients.queries(), gradients.blocks, curvature, damping);
      const direction = times(solved, -1 / gradients.rows);
      const notes = [dampingNote(damping), ...(fitted === diagonalFit ? [] : formNotes(gradients.blocks))];
      return { values: await gradients.dot(direction), notes, directions: [direction] };
    },
    async suspicion(given, parameters) {
      const { values, damping } = await selfInfluence(given, parameters, fitted);
      return { values, notes: [dampingNote(damping)] };
    },
  };
}

/** `g_iᵀ (Q (Λ + δ) Qᵀ)⁻¹ g_i` of every row. */
async function selfInfluence(given: Given<'gradients'>, parameters: FactoredParameters, fitted: Fit) {
  const { gradients } = given;
  const curvature = await fitted(given, parameters);
  const damping = dampings(gradients, curvature, parameters);
  const weights = curvature.values.map((block, b) => block.map((value) => 1 / (value + damping[b])));
  return { values: await gradients.quadratic(curvature.rotations, weights), damping };
}

export const ekfac = factoredRunner(ekfacFit);
export const kfac = factoredRunner(kfacFit);
export const diagonalFisher = factoredRunner(diagonalFit);

/** `τ_i/√(g_iᵀ H⁻¹ g_i)`: rows that influence everything no longer come first. H as of EK-FAC. */
export const relatIf: Runner<'gradients', FactoredParameters> = {
  async score(given, parameters) {
    const { values, notes } = await ekfac.score(given, parameters);
    const own = (await selfInfluence(given, parameters, ekfacFit)).values;
    for (let q = 0; q < values.rows; q++)
      for (let i = 0; i < values.columns; i++)
        values.data[q * values.columns + i] *= own[i] > 0 ? 1 / Math.sqrt(own[i]) : 0;
    return { values, notes };
  },
};

/** Per block: the mean of the inverses of `λ + g_j g_jᵀ` (Sherman–Morrison), λ a share of the mean squared gradient. */
export const dataInf: Runner<'gradients', { readonly share: number }> = {
  async score({ gradients }, { share }) {
    const queries = await gradients.queries();
    const n = gradients.rows;
    const result = zeros(queries.rows, n);
    for (const block of gradients.blocks) {
      const size = block.rows * block.columns;
      const norms = await gradients.squaredNorms(block);
      const lambda = (share * norms.reduce((sum, norm) => sum + norm, 0)) / (n * size);
      if (!(lambda > 0)) continue;
      const along = await gradients.dot(queries, block);
      const weights = zeros(queries.rows, n);
      for (let q = 0; q < queries.rows; q++)
        for (let j = 0; j < n; j++) weights.data[q * n + j] = along.data[q * n + j] / (lambda + norms[j]) / n;
      const back = await gradients.dot(await gradients.weightedSum(weights), block);
      for (let j = 0; j < result.data.length; j++) result.data[j] -= (along.data[j] - back.data[j]) / lambda / n;
    }
    return { values: result, notes: ['a ranking: the numbers are several times too large'] };
  },
};
