import type { Dataset } from '../dataset/dataset.ts';
import { WhereforeError } from '../errors.ts';
import type { Tensors } from '../runtime/runtime.ts';
import { takeRows } from '../tensor/take-rows.ts';
import { float32, type Tensor } from '../tensor/tensor.ts';

/** Some samples: one row of every tensor is one sample. */
export interface Batch {
  /** Model inputs by name. */
  readonly inputs: Tensors;
  readonly targets: Tensor;
  /** How much each sample counts; default all 1. */
  readonly weights?: Float32Array;
}

/** A batch as a training step reads it. */
export interface WeightedBatch extends Batch {
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

/** Samples to train on or to evaluate with. */
export interface Samples {
  readonly count: number;
  /**
   * The samples at these positions, in this order.
   * @param epoch counted from 0, for samples that vary (augmentation); the same arguments must give the same bits
   */
  batch(positions: Uint32Array, epoch: number): Batch | Promise<Batch>;
}

/** Samples that lie in memory whole. @throws WhereforeError `wrong-shape` when the tensors differ in their rows. */
export function samplesInMemory(inputs: Tensors, targets: Tensor, weights?: Float32Array): Samples {
  const count = targets.shape[0] ?? 0;
  for (const [name, { shape }] of inputs) {
    if (shape[0] !== count) {
      throw new WhereforeError('wrong-shape', `input "${name}" and the targets differ in the number of samples`, {
        got: `${shape[0]}`,
        expected: `${count}`,
      });
    }
  }
  if (weights && weights.length !== count) {
    throw new WhereforeError('wrong-shape', 'sample weights', {
      got: `${weights.length}`,
      expected: `${count}, one a sample`,
    });
  }
  return {
    count,
    batch: (positions) => ({
      inputs: new Map([...inputs].map(([name, all]) => [name, takeRows(all, positions)])),
      targets: takeRows(targets, positions),
      weights: weights && takeRows(float32([count], weights), positions).data,
    }),
  };
}

/**
 * The rows of a data set, to train on or to evaluate with; its labels are the targets.
 * @throws WhereforeError `invalid-data` for a data set without labels
 */
export function samplesOf(dataset: Pick<Dataset, 'name' | 'length' | 'labels' | 'read'>): Samples {
  if (!dataset.labels) {
    throw new WhereforeError('invalid-data', 'the data set has no labels to train towards', {
      where: dataset.name,
      fix: 'name the column or the file of labels when it is opened',
    });
  }
  return {
    count: dataset.length,
    batch: async (positions, epoch) => {
      const { inputs, labels, weights } = await dataset.read(positions, epoch);
      return { inputs: new Map(Object.entries(inputs)), targets: labels as Tensor, weights };
    },
  };
}

/**
 * A batch of exactly `size` samples. Where there are fewer positions the last is repeated with weight 0, so that one
 * graph with fixed shapes serves every batch: a sample of weight 0 adds nothing to the loss or to any gradient.
 * @param rowWeights multiply the weights of the samples, by position; `divisors` are without them
 */
export async function paddedBatch(
  samples: Samples,
  positions: Uint32Array,
  size: number,
  epoch: number,
  rowWeights?: Float32Array,
): Promise<WeightedBatch> {
  const padded = new Uint32Array(size).fill(positions[positions.length - 1]);
  padded.set(positions);
  const batch = await samples.batch(padded, epoch);
  const divisors = new Float32Array(size).fill(1);
  if (batch.weights) divisors.set(batch.weights);
  divisors.fill(0, positions.length);
  const weights = rowWeights ? divisors.map((weight, i) => weight * rowWeights[padded[i]]) : divisors;
  return { ...batch, weights, divisors };
}
