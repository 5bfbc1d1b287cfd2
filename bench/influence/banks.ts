// Retrainings of the benches of influence: parts of the rows left out, and what was measured behind each.

import { quantile } from '../../src/evaluation/statistics.ts';
import { type Bank, datamodelScore } from '../../src/influence/retraining/datamodel-score.ts';
import type { OpenRetraining } from '../../src/influence/retraining/retraining.ts';
import { permutation, random } from '../../src/tensor/random.ts';
import type { Kept } from './kept.ts';

export interface BankPlan {
  readonly rows: number;
  /** Part of the rows that each training leaves out. */
  readonly share: number;
  readonly trainings: number;
  readonly seeds: readonly number[];
  /** What is trained: with the plan it names the trainings that are kept. */
  readonly name: string;
}

/** Trainings that each leave out another random part of the rows, with the mean of f over some seeds. */
export async function bankOf(retraining: OpenRetraining, plan: BankPlan, kept: Kept): Promise<Bank> {
  const { rows, share, trainings, seeds } = plan;
  const removed = Math.max(1, Math.round(share * rows));
  const weights = new Float32Array(trainings * rows);
  for (let t = 0; t < trainings; t++) {
    const own = weights.subarray(t * rows, (t + 1) * rows).fill(1);
    for (const row of permutation(rows, random(7, t)).subarray(0, removed)) own[row] = 0;
  }
  const values = await kept(['bank', plan], async () => {
    let found = new Float64Array();
    for (let t = 0; t < trainings; t++) {
      const counts = Uint32Array.from(weights.subarray(t * rows, (t + 1) * rows));
      for (const seed of seeds) {
        const { queries } = await retraining.train(counts, seed);
        if (found.length === 0) found = new Float64Array(trainings * queries.length);
        for (let q = 0; q < queries.length; q++) found[t * queries.length + q] += queries[q] / seeds.length;
      }
    }
    return found;
  });
  return { weights, values, trainings };
}

/** The mean of f of two banks of the same trainings. */
export const meanBank = (a: Bank, b: Bank): Bank => ({
  ...a,
  values: a.values.map((value, j) => (value + b.values[j]) / 2),
});

/** LDS with a 95 % interval by bootstrap over the trainings. */
export function ldsOf(scores: Float64Array, bank: Bank): { lds: number; low: number; high: number; slope: number } {
  const { lds, slope } = datamodelScore(scores, bank);
  const source = random(3);
  const { trainings } = bank;
  const quantities = bank.values.length / trainings;
  const predicted = predictedBy(scores, bank);
  const drawn = Array.from({ length: 200 }, () => {
    // Each training counts once or several times, with what it measured and what was predicted of it.
    const weights = new Float32Array(trainings * trainings);
    const values = new Float64Array(bank.values.length);
    for (let t = 0; t < trainings; t++) {
      const from = source.integer(trainings);
      weights[t * trainings + from] = 1;
      values.set(bank.values.subarray(from * quantities, (from + 1) * quantities), t * quantities);
    }
    return datamodelScore(predicted, { weights, values, trainings }).lds;
  }).sort((a, b) => a - b);
  return { lds, low: quantile(drawn, 0.025), high: quantile(drawn, 0.975), slope };
}

/** `Σ_i w_ti τ_qi`, quantities × trainings. */
function predictedBy(scores: Float64Array, { weights, values, trainings }: Bank): Float64Array {
  const rows = weights.length / trainings;
  const quantities = values.length / trainings;
  const predicted = new Float64Array(quantities * trainings);
  for (let q = 0; q < quantities; q++)
    for (let t = 0; t < trainings; t++) {
      let sum = 0;
      for (let i = 0; i < rows; i++) sum += weights[t * rows + i] * scores[q * rows + i];
      predicted[q * trainings + t] = sum;
    }
  return predicted;
}
