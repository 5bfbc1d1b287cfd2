import type { Dataset } from '../dataset/dataset.ts';
import { WhereforeError } from '../errors.ts';
import type { Tensors } from '../runtime/runtime.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Rows of a data set as a training step reads them. */
export interface WeightedBatch {
  /** Model inputs by name. */
  readonly inputs: Tensors;
  readonly targets: Tensor;
  /** How much each row counts. */
  readonly weights: Float32Array;
  /** The weights before the training weighted its rows, see {@link Divisor}; default as `weights`. */
  readonly divisors?: Float32Array;
}

/**
 * What the weighted sum of a batch's losses is divided by. `weights`: the sum of the same weights, so that a row of
 * weight 0 is as good as absent, and a batch of such rows takes no step. `rows`: the sum that they have without the weights given to a training's rows, so that
 * a step stays as long as it was whatever rows are weighted down.
 */
export type Divisor = 'weights' | 'rows';

/**
 * A batch of exactly `size` rows; their labels are the targets. Where there are fewer positions the last is repeated with
 * weight 0, so that one graph with fixed shapes serves every batch: a row of weight 0 adds nothing to the loss or to any
 * gradient.
 * @param rowWeights multiply the weights of the rows, by position; `divisors` are without them
 * @throws WhereforeError `invalid-data` for a data set without labels
 */
export async function paddedBatch(
  dataset: Dataset,
  positions: Uint32Array,
  size: number,
  epoch: number,
  rowWeights?: Float32Array,
): Promise<WeightedBatch> {
  const padded = new Uint32Array(size).fill(positions[positions.length - 1]);
  padded.set(positions);
  const { inputs, labels, weights: own } = await dataset.read(padded, epoch);
  if (!labels) {
    throw new WhereforeError('invalid-data', 'the data set has no labels to train towards', {
      where: dataset.name,
      fix: 'name the column or the file of labels when it is opened',
    });
  }
  const divisors = new Float32Array(size).fill(1);
  if (own) divisors.set(own);
  divisors.fill(0, positions.length);
  const weights = rowWeights ? divisors.map((weight, i) => weight * rowWeights[padded[i]]) : divisors;
  return { inputs: new Map(Object.entries(inputs)), targets: labels, weights, divisors };
}
