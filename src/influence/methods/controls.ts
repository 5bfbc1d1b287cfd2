import { mapped } from '../../tensor/filled.ts';
import { normals, random } from '../../tensor/random.ts';
import { labelMargins } from '../label-margins.ts';
import { type Matrix, type Matrix64, rowOf, zeros } from '../matrix.ts';
import type { Runner } from '../method.ts';

/** One score for each row, the same for every query. */
function everyQuery(values: Float64Array, queries: number): Matrix64 {
  const result = zeros(queries, values.length);
  for (let q = 0; q < queries; q++) result.data.set(values, q * values.length);
  return result;
}

const negative = (values: Float64Array) => values.map((value) => -value);

/** Probabilities below it are taken for it, so that a loss is finite: float32 holds no smaller normal number. */
const leastProbability = 2 ** -126;

/** `ℓ_i = −log p_i(y_i)`, in nats. */
export function lossesOf(probabilities: Matrix, labels: Int32Array): Float64Array {
  return mapped(
    Float64Array,
    labels,
    (label, i) => -Math.log(Math.max(leastProbability, rowOf(probabilities, i)[label])),
  );
}

const trained = 'the rows were predicted by a model that was trained on them: a row learned by heart has a small loss';

/** `−ℓ_i`. */
export const loss: Runner<'predictions' | 'labels', object> = {
  score({ predictions, labels, size }) {
    const values = negative(lossesOf(predictions.rows, labels.rows));
    return { values: everyQuery(values, size.queries), notes: predictions.outOfSample ? [] : [trained] };
  },
  suspicion: ({ predictions, labels }) => ({
    values: lossesOf(predictions.rows, labels.rows),
    notes: predictions.outOfSample ? [] : [trained],
  }),
};

/** The margin of the given label above the best other one, each less its class's mean confidence. */
export const confidentLearning: Runner<'predictions' | 'labels', object> = {
  score({ predictions, labels, size }) {
    const { margins } = labelMargins(predictions.rows, labels.rows);
    return { values: everyQuery(margins, size.queries), notes: predictions.outOfSample ? [] : [trained] };
  },
  suspicion: ({ predictions, labels }) => ({
    values: negative(labelMargins(predictions.rows, labels.rows).margins),
    notes: predictions.outOfSample ? [] : [trained],
  }),
};

/** Independent normal numbers: what any score must beat. */
export const randomScores: Runner<never, object> = {
  score: ({ size, seed }) => ({
    values: {
      rows: size.queries,
      columns: size.rows,
      data: Float64Array.from(normals(size.queries * size.rows, random(seed, 1))),
    },
    notes: [],
  }),
  suspicion: ({ size, seed }) => ({ values: Float64Array.from(normals(size.rows, random(seed, 2))), notes: [] }),
};

/** Rows of the query's class in random order before the others, also in random order. */
export const randomSameClass: Runner<'labels', object> = {
  score({ labels, size, seed }) {
    const source = random(seed, 1);
    const values = zeros(size.queries, size.rows);
    for (let q = 0; q < size.queries; q++) {
      for (let i = 0; i < size.rows; i++) {
        const u = source.uniform();
        values.data[q * size.rows + i] = labels.rows[i] === labels.queries[q] ? u : -u;
      }
    }
    return { values, notes: [] };
  },
};
