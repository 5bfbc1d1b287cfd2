import type { FactorForm } from '../autodiff/per-sample/layer-factors.ts';
import type { Layer } from '../autodiff/per-sample/layers.ts';
import { covarianceOf } from '../autodiff/per-sample/reductions.ts';
import { filled } from '../tensor/filled.ts';
import { random } from '../tensor/random.ts';
import type { Covariances, GradientLabels, Rotation, TwoSided } from './gradient-material.ts';
import type { Passes, PassFeeds, RowRange } from './gradient-passes.ts';
import { resultOf, rotationsOf, rowOfResult, sides } from './layer-layout.ts';
import { type Matrix, rowOf } from './matrix.ts';
import { factorArrays } from './stored-factors.ts';

/** What single rows, or sums over some, give: of a range of the rows, so that ranges can be computed apart. */
export interface RowPass<T> {
  of(range: RowRange): Promise<T>;
  close(): Promise<void>;
}

const withoutEnd = async () => undefined;

/** Each block's `left · G_i · rightᵀ` of the rows of a range. */
export function projectionPass(passes: Passes, projections: readonly TwoSided[]): RowPass<Matrix> {
  const { layers } = passes;
  const program = passes.open({ kind: 'project', matrices: sides(layers, projections) });
  const widths = widthsOf(projections);
  const columns = widths.reduce((sum, width) => sum + width, 0);
  return {
    async of(range) {
      const rows = range.to - range.from;
      const data = new Float32Array(rows * columns);
      const use: Parameters<Passes['over']>[3] = (results, at) => {
        let first = 0;
        for (const [l, { name }] of layers.entries()) {
          for (const [b, i] of at.entries())
            data.set(rowOfResult(results, program, name, b), (i - range.from) * columns + first);
          first += widths[l];
        }
      };
      await passes.over('rows', program, { seed: () => 1 }, use, range);
      return { rows, columns, data };
    },
    close: withoutEnd,
  };
}

/** Numbers of each projected block. */
export const widthsOf = (projections: readonly TwoSided[]): number[] =>
  projections.map(({ left, right }) => left.rows * right.rows);

/** What the gradients of the rows of a range are products of: arrays by name, and how each block is told. */
export interface FactorPass extends RowPass<ReadonlyMap<string, Float32Array>> {
  readonly forms: readonly FactorForm[];
}

export function factorPass(passes: Passes): FactorPass {
  const { layers, blocks } = passes;
  const program = passes.open({ kind: 'factors' });
  const forms = layers.map(({ name }) => program.forms?.get(name) as FactorForm);
  const arrays = factorArrays(blocks, forms);
  return {
    forms,
    async of(range) {
      const rows = range.to - range.from;
      const found = new Map(arrays.map(({ name, width }) => [name, new Float32Array(rows * width)]));
      const use: Parameters<Passes['over']>[3] = (results, at) => {
        for (const { name, width } of arrays) {
          const values = resultOf(results, program, name).subarray(0, at.length * width);
          found.get(name)?.set(values, (at[0] - range.from) * width);
        }
      };
      await passes.over('rows', program, { seed: () => 1 }, use, range);
      return found;
    },
    close: withoutEnd,
  };
}

/** Sums over the rows of a range: `Σ_i Σ_t a aᵀ` and `Σ_i E_t s sᵀ` of every block. */
export async function covariancePass(
  passes: Passes,
  labels: GradientLabels,
  seed: number,
): Promise<RowPass<readonly Covariances[]>> {
  const { layers, blocks, row, batch } = passes;
  const weights = { value: row.seed, shape: [batch] };
  const parts = (layer: Layer) => blocks[layers.findIndex(({ name }) => name === layer.name)].parts ?? {};
  const program = passes.open({ kind: 'covariance', weights, parts, accumulate: true });
  const sums = await passes.openSums(program);
  return {
    async of(range) {
      const results = await sums.of(await feedsFor(passes, labels, seed, range), range);
      const read = (key: string) => resultOf(results, program, key);
      return layers.map((layer: Layer) => {
        const outputs = covarianceOf(program, layer, 'outputs', read);
        for (let j = 0; j < outputs.length; j++) outputs[j] /= layer.positions;
        return { inputs: covarianceOf(program, layer, 'inputs', read), outputs };
      });
    },
    close: sums.close,
  };
}

/** `Σ_i (left · G_i · rightᵀ)²` over the rows of a range, of every block. */
export async function squarePass(
  passes: Passes,
  rotations: readonly Rotation[],
  labels: GradientLabels,
  seed: number,
): Promise<RowPass<readonly Float64Array[]>> {
  const { layers } = passes;
  const program = passes.open({
    kind: 'secondMoment',
    rotations: rotationsOf(layers, rotations),
    accumulate: true,
  });
  const sums = await passes.openSums(program);
  return {
    async of(range) {
      const results = await sums.of(await feedsFor(passes, labels, seed, range), range);
      return layers.map(({ name }) => Float64Array.from(resultOf(results, program, name)));
    },
    close: sums.close,
  };
}

async function feedsFor(passes: Passes, labels: GradientLabels, seed: number, range: RowRange): Promise<PassFeeds> {
  if (labels === 'given') return { seed: () => 1 };
  return { seed: () => 1, target: drawnLabels(await passes.probabilities('rows', range), seed, range.from) };
}

/** A label for every row, drawn from its probabilities; a stream for each row, so that batches do not matter. */
function drawnLabels(probabilities: Matrix, seed: number, from: number): (row: number) => number {
  const labels = filled(new Int32Array(probabilities.rows), (i) => {
    const p = rowOf(probabilities, i);
    let [u, k] = [random(seed, 1000 + from + i).uniform(), 0];
    while (k < p.length - 1 && (u -= p[k]) > 0) k++;
    return k;
  });
  return (row) => labels[row - from];
}

/** Rows that are worked on together: what they give is in memory, and their sums are in float32 before they are added up. */
const rowsTogether = 1024;

/** All rows, cut in order. */
export const pieceRanges = (rows: number): RowRange[] =>
  Array.from({ length: Math.ceil(rows / rowsTogether) }, (_, k) => ({
    from: k * rowsTogether,
    to: Math.min(rows, (k + 1) * rowsTogether),
  }));

/** Adds what a pass gives of all rows: in float64, in order. */
export async function sumOver<T>(
  pass: RowPass<T>,
  rows: number,
  numbers: (of: T) => readonly Float64Array[],
): Promise<readonly Float64Array[]> {
  let total: readonly Float64Array[] | undefined;
  try {
    for (const range of pieceRanges(rows)) {
      const part = numbers(await pass.of(range));
      if (total) addAll(total, part);
      else total = part;
    }
  } finally {
    await pass.close();
  }
  return total as readonly Float64Array[];
}

/** `to += part`, array by array. */
export function addAll(to: readonly Float64Array[], part: readonly Float64Array[]): void {
  for (const [k, sum] of to.entries()) for (let j = 0; j < sum.length; j++) sum[j] += part[k][j];
}

/** Divides sums over rows by their number. */
export function dividedBy(sums: readonly Float64Array[], rows: number): readonly Float64Array[] {
  for (const sum of sums) for (let j = 0; j < sum.length; j++) sum[j] /= rows;
  return sums;
}

/** Covariances as plain arrays, block by block, and back. */
export const flattened = (of: readonly Covariances[]): Float64Array[] =>
  of.flatMap(({ inputs, outputs }) => [inputs, outputs]);
export const unflattened = (of: readonly Float64Array[]): Covariances[] =>
  Array.from({ length: of.length / 2 }, (_, b) => ({ inputs: of[2 * b], outputs: of[2 * b + 1] }));
