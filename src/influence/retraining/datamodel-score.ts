import { pearson, ranks } from '../../tensor/correlation.ts';
import { filled } from '../../tensor/filled.ts';

/** Trainings on parts of the rows, and what was measured at the end of each. */
export interface Bank {
  /** Trainings × rows: the weight of each row in each training. */
  readonly weights: Float32Array;
  /** Trainings × quantities: f after each training. */
  readonly values: Float64Array;
  readonly trainings: number;
}

/** How well scores predict a bank. */
export interface DatamodelScore {
  /**
   * Linear datamodeling score: the mean over quantities of Spearman's correlation between `Σ_i w_i τ_i` and f over the
   * trainings (Park et al. 2023, "TRAK", arXiv 2303.14186).
   */
  readonly lds: number;
  /** The same of each quantity; NaN where nothing varies. */
  readonly each: Float64Array;
  /** Measured change for one unit of predicted change, over all quantities: 1 where scores have the right size. */
  readonly slope: number;
}

/**
 * Compares scores with trainings.
 * @param scores quantities × rows, the predicted change of f for a unit of a row's weight
 */
export function datamodelScore(scores: Float64Array, bank: Bank): DatamodelScore {
  const { weights, values, trainings } = bank;
  const quantities = values.length / trainings;
  const rows = weights.length / trainings;
  const each = new Float64Array(quantities);
  const [predicted, measured] = [new Float64Array(trainings), new Float64Array(trainings)];
  let [products, squares] = [0, 0];
  for (let q = 0; q < quantities; q++) {
    for (let t = 0; t < trainings; t++) {
      let sum = 0;
      for (let i = 0; i < rows; i++) sum += weights[t * rows + i] * scores[q * rows + i];
      predicted[t] = sum;
      measured[t] = values[t * quantities + q];
    }
    each[q] = rankCorrelation(predicted, measured);
    const [centre, middle] = [mean(predicted), mean(measured)];
    for (let t = 0; t < trainings; t++) {
      products += (predicted[t] - centre) * (measured[t] - middle);
      squares += (predicted[t] - centre) ** 2;
    }
  }
  return { lds: meanOfNumbers(each), each, slope: products / squares };
}

/**
 * What no score of one training can be expected to exceed: the mean rank correlation of two banks of the same rows
 * trained with other seeds.
 */
export function datamodelCeiling(a: Bank, b: Bank): number {
  const quantities = a.values.length / a.trainings;
  const each = new Float64Array(quantities);
  const column = ({ values, trainings }: Bank, q: number) =>
    filled(new Float64Array(trainings), (t) => values[t * quantities + q]);
  for (let q = 0; q < quantities; q++) each[q] = rankCorrelation(column(a, q), column(b, q));
  return meanOfNumbers(each);
}

const rankCorrelation = (a: Float64Array, b: Float64Array) => pearson(ranks(a), ranks(b)) ?? Number.NaN;

function mean(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** The mean of what is a number. */
function meanOfNumbers(values: Float64Array): number {
  return mean(values.filter((value) => !Number.isNaN(value)));
}
