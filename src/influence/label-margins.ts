import { type Matrix, rowOf } from './matrix.ts';

export interface LabelMargins {
  /** Mean probability of each class over the rows that are labelled with it: how sure the model is where it should be. NaN for a class without rows. */
  readonly thresholds: Float64Array;
  /** `(p_y − t_y) − max_{k ≠ y} (p_k − t_k)`: negative where another class is more at home. */
  readonly margins: Float64Array;
  /** The class `k ≠ y` with the largest `p_k − t_k`. */
  readonly others: Int32Array;
  /** The class that a row counts for: the most probable of those that reach their threshold; −1 where none does. */
  readonly confident: Int32Array;
}

/**
 * Confident learning: which rows belong, by probabilities, to another class than their label says.
 * Source: Northcutt, Jiang, Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", 2021. A row whose
 * `confident` class is not its label is an estimated label error (the off-diagonal of the confident joint).
 * @param probabilities rows × classes, best predicted by models that were not trained on the row
 */
export function labelMargins(probabilities: Matrix, labels: Int32Array): LabelMargins {
  const classes = probabilities.columns;
  const [sums, counts] = [new Float64Array(classes), new Float64Array(classes)];
  for (let i = 0; i < labels.length; i++) {
    sums[labels[i]] += rowOf(probabilities, i)[labels[i]];
    counts[labels[i]]++;
  }
  const thresholds = sums.map((sum, k) => sum / counts[k]);
  const margins = new Float64Array(labels.length);
  const others = new Int32Array(labels.length).fill(-1);
  const confident = new Int32Array(labels.length).fill(-1);
  for (let i = 0; i < labels.length; i++) {
    const p = rowOf(probabilities, i);
    let best = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < classes; k++) {
      // A class that no row is labelled with cannot be suggested: nothing says how sure the model is of it.
      if (Number.isNaN(thresholds[k])) continue;
      if (k !== labels[i] && p[k] - thresholds[k] > best) {
        best = p[k] - thresholds[k];
        others[i] = k;
      }
      if (p[k] >= thresholds[k] && (confident[i] < 0 || p[k] > p[confident[i]])) confident[i] = k;
    }
    margins[i] = p[labels[i]] - thresholds[labels[i]] - (others[i] < 0 ? 0 : best);
  }
  return { thresholds, margins, others, confident };
}
