import type { Dataset } from '../dataset/dataset.ts';
import { WhereforeError } from '../errors.ts';
import type { Tensors } from '../runtime/runtime.ts';
import { permutation, random } from '../tensor/random.ts';
import { type Divisor, paddedBatch, type WeightedBatch } from './batch.ts';
import { learningRateAt, type Schedule } from './schedules.ts';

/** What determines the batches of a training. */
export interface PlanOptions {
  readonly samples: Dataset;
  readonly epochs: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly order?: readonly Uint32Array[];
  readonly schedule: Schedule;
  readonly rowWeights?: Float32Array;
  readonly divisor?: Divisor;
  readonly inputsAt?: (step: number, steps: number) => Tensors;
}

/** Which rows each step reads, and at which learning rate; steps are counted from 0. Any step can be had alone. */
export interface TrainingPlan {
  /** Rows of every batch; the last of an epoch is filled up with rows that do not count. */
  readonly size: number;
  /** Steps of an epoch. */
  readonly perEpoch: number;
  readonly steps: number;
  readonly epochAt: (step: number) => number;
  /** Rows of the step, without those that fill it up. */
  readonly positionsAt: (step: number) => Uint32Array;
  readonly learningRateAt: (step: number) => number;
  /** Undefined where the row weights leave no row of the batch in: there is no step then. */
  readonly batchAt: (step: number) => Promise<WeightedBatch | undefined>;
  /** A batch of the size and shapes of all. */
  readonly example: () => Promise<WeightedBatch>;
}

/** The batches of a training. @throws WhereforeError `wrong-shape` or `out-of-range` for row weights that do not fit */
export function planTraining(options: PlanOptions): TrainingPlan {
  const { samples, epochs, schedule, rowWeights, divisor = 'weights', inputsAt } = options;
  checkRowWeights(rowWeights, samples.length);
  const size = Math.min(options.batchSize, samples.length);
  const perEpoch = Math.ceil(samples.length / size);
  const steps = perEpoch * epochs;
  checkOrder(options.order, epochs, samples.length);
  const { order } = options;
  const orderOf = order ? (epoch: number) => order[epoch] : epochOrders(options.seed, samples.length);
  const epochAt = (step: number) => Math.floor(step / perEpoch);
  const positionsAt = (step: number) => {
    const start = (step % perEpoch) * size;
    return orderOf(epochAt(step)).subarray(start, start + size);
  };
  const batchOf = async (positions: Uint32Array, step: number) => {
    const batch = await paddedBatch(samples, positions, size, epochAt(step), rowWeights);
    return inputsAt ? { ...batch, inputs: new Map([...batch.inputs, ...inputsAt(step, steps)]) } : batch;
  };
  return {
    size,
    perEpoch,
    steps,
    epochAt,
    positionsAt,
    learningRateAt: (step) => learningRateAt(schedule, step, steps),
    async batchAt(step) {
      const positions = positionsAt(step);
      const isEmpty = rowWeights && divisor === 'weights' && positions.every((position) => rowWeights[position] === 0);
      return isEmpty ? undefined : batchOf(positions, step);
    },
    example: () => batchOf(positionsAt(0), 0),
  };
}

/** The order of the samples in each epoch; any epoch can be had alone, which a resumed training needs. */
export function epochOrders(seed: number, count: number): (epoch: number) => Uint32Array {
  let last: { epoch: number; order: Uint32Array } | undefined;
  return (epoch) => {
    if (last?.epoch !== epoch) last = { epoch, order: permutation(count, random(seed, epoch)) };
    return last.order;
  };
}

function checkOrder(order: readonly Uint32Array[] | undefined, epochs: number, count: number): void {
  if (!order) return;
  if (order.length !== epochs) {
    throw new WhereforeError('wrong-shape', 'order of the rows', {
      got: `${order.length} epochs`,
      expected: `${epochs}`,
    });
  }
  for (const [epoch, rows] of order.entries()) {
    const seen = new Uint8Array(count);
    for (const row of rows) if (row < count) seen[row] = 1;
    if (rows.length === count && seen.every((once) => once === 1)) continue;
    throw new WhereforeError('invalid-argument', `order of the rows in epoch ${epoch + 1}`, {
      got: `${rows.length} rows, ${seen.filter((once) => once === 0).length} missing`,
      expected: `each of ${count} rows once`,
    });
  }
}

function checkRowWeights(weights: Float32Array | undefined, count: number): void {
  if (!weights) return;
  if (weights.length !== count) {
    throw new WhereforeError('wrong-shape', 'row weights', {
      got: `${weights.length}`,
      expected: `${count}, one a row`,
    });
  }
  const wrong = weights.findIndex((weight) => !(weight >= 0 && Number.isFinite(weight)));
  if (wrong < 0) {
    if (weights.some((weight) => weight > 0)) return;
    throw new WhereforeError('invalid-data', 'no row has a weight', { fix: 'give at least one row a weight above 0' });
  }
  throw new WhereforeError('out-of-range', `weight of row ${wrong}`, {
    got: String(weights[wrong]),
    expected: 'a finite number from 0',
  });
}
