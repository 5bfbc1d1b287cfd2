import { WhereforeError } from '../../errors.ts';
import { cholesky, solveCholesky } from '../../linear-algebra/cholesky.js';
import { throwIfCancelled } from '../../runtime/runtime.ts';
import { random } from '../../tensor/random.ts';
import { dotRows, product, transposed, zeros } from '../matrix.ts';
import type { Runner } from '../method.ts';
import { fixedSizeMasks, independentMasks, meanDifference, trainBank } from './subset-bank.ts';

export interface LeaveOneOutParameters {
  readonly seeds: number;
}

/** `τ_i = mean_s f(all; s) − f(all without i; s)`, the same seeds with and without. */
export const leaveOneOut: Runner<'retraining', LeaveOneOutParameters> = {
  async score({ retraining, size, seed, signal }, { seeds }) {
    const values = zeros(size.queries, size.rows);
    for (let s = 0; s < seeds; s++) {
      const counts = new Uint32Array(size.rows).fill(1);
      const full = (await retraining.train(counts, seed + s, signal)).queries;
      for (let i = 0; i < size.rows; i++) {
        throwIfCancelled(signal);
        counts[i] = 0;
        const without = (await retraining.train(counts.slice(), seed + s, signal)).queries;
        counts[i] = 1;
        for (let q = 0; q < size.queries; q++) values.data[q * size.rows + i] += (full[q] - without[q]) / seeds;
      }
    }
    return {
      values,
      notes: seeds === 1 ? ['one seed: for networks the effect of one row is mostly noise of the seed'] : [],
    };
  },
};

export interface SubsetParameters {
  readonly subsets: number;
  /** Share of the rows in a subset. */
  readonly share: number;
}

const constantNote = (constant: number) =>
  constant ? [`${constant} rows were in all subsets or in none and have score 0: more subsets would tell`] : [];

/** `E f(S ∋ i) − E f(S ∌ i)` over random subsets of one size. */
export const subsampled: Runner<'retraining', SubsetParameters> = {
  async score({ retraining, size, seed, signal }, { subsets, share }) {
    const masks = fixedSizeMasks(subsets, size.rows, share, seed);
    const { values, constant } = meanDifference(await trainBank(retraining, masks, size.queries, seed, signal));
    return { values, notes: constantNote(constant) };
  },
};

/** `E f(S ∪ i) − E f(S)` with every other row in or out with probability ½, by maximum sample reuse. */
export const banzhaf: Runner<'retraining', Pick<SubsetParameters, 'subsets'>> = {
  async score({ retraining, size, seed, signal }, { subsets }) {
    const masks = independentMasks(subsets, size.rows, seed);
    const { values, constant } = meanDifference(await trainBank(retraining, masks, size.queries, seed, signal));
    return { values, notes: constantNote(constant) };
  },
};

export interface DatamodelParameters extends SubsetParameters {
  /** λ of the ridge, beside subset indicators of 0 and 1. */
  readonly ridge: number;
}

/** Ridge regression of f on which rows were there: `w = X̃ᵀ(X̃X̃ᵀ + λI)⁻¹ (f − mean f)`, X̃ less its column means. */
export const datamodels: Runner<'retraining', DatamodelParameters> = {
  async score({ retraining, size, seed, signal }, { subsets, share, ridge }) {
    const { masks, values } = await trainBank(
      retraining,
      fixedSizeMasks(subsets, size.rows, share, seed),
      size.queries,
      seed,
      signal,
    );
    const [m, n] = [masks.rows, masks.columns];
    for (const of of [masks, values]) {
      for (let j = 0; j < of.columns; j++) {
        let mean = 0;
        for (let i = 0; i < m; i++) mean += of.data[i * of.columns + j] / m;
        for (let i = 0; i < m; i++) of.data[i * of.columns + j] -= mean;
      }
    }
    const gram = dotRows(masks, masks);
    for (let i = 0; i < m; i++) gram.data[i * m + i] += ridge;
    const { factor } = cholesky(gram.data, m);
    if (!factor)
      throw new WhereforeError('out-of-range', 'the ridge of datamodels is too small', {
        got: `${ridge}`,
        expected: 'a number above 0',
      });
    const right = transposed(values);
    const dual = zeros(size.queries, m);
    for (let q = 0; q < size.queries; q++) {
      dual.data.set(solveCholesky(factor, right.data.slice(q * m, (q + 1) * m)), q * m);
    }
    return { values: product(dual, { rows: m, columns: n, data: masks.data }), notes: [] };
  },
};

export interface BagParameters {
  readonly bags: number;
}

/** Mean of f of a row under trainings on bootstrap samples that do not hold it. */
export const dataOob: Runner<'retraining', BagParameters> = {
  async score({ retraining, size, seed, signal }, { bags }) {
    const [sums, out] = [new Float64Array(size.rows), new Float64Array(size.rows)];
    const source = random(seed, 4);
    for (let b = 0; b < bags; b++) {
      throwIfCancelled(signal);
      const counts = new Uint32Array(size.rows);
      for (let j = 0; j < size.rows; j++) counts[source.integer(size.rows)]++;
      const { rows } = await retraining.train(counts, seed + b, signal);
      for (let i = 0; i < size.rows; i++) {
        if (counts[i] > 0) continue;
        sums[i] += rows[i];
        out[i]++;
      }
    }
    const never = out.filter((count) => count === 0).length;
    if (never > 0)
      throw new WhereforeError('out-of-range', `${never} rows were in every bag, so nothing is known of them`, {
        got: `${bags} bags`,
        fix: 'set more bags',
      });
    const values = zeros(size.queries, size.rows);
    const mean = sums.map((sum, i) => sum / out[i]);
    for (let q = 0; q < size.queries; q++) values.data.set(mean, q * size.rows);
    return { values, notes: [] };
  },
};
