import type { Dataset } from '../dataset/dataset.ts';
import { WhereforeError } from '../errors.ts';
import type { OnnxModel } from '../onnx/graph.ts';
import type { Runtime, Tensors } from '../runtime/runtime.ts';
import { formatShape, sameShape } from '../tensor/tensor.ts';
import type { Divisor } from './batch.ts';
import type { Checkpoint, CheckpointStore } from './checkpoint.ts';
import { sha256 } from './digest.ts';
import type { LossEvaluation } from './evaluate.ts';
import type { Loss } from './losses.ts';
import type { Optimizer } from './optimizers.ts';
import { checkSchedule, type Schedule } from './schedules.ts';
import type { TrainingStep } from './step.ts';

/** State of a training after a step. */
export interface TrainingProgress {
  /** The epoch that the step belongs to, counted from 1. */
  readonly epoch: number;
  readonly epochs: number;
  /** Steps done. */
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  readonly learningRate: number;
  /** With clipping: norm of the gradient before it. */
  readonly gradientNorm?: number;
  /** After the last step of an epoch, where there are samples to evaluate. */
  readonly evaluation?: LossEvaluation;
}

export interface TrainOptions {
  readonly model: OnnxModel;
  readonly samples: Dataset;
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  readonly schedule: Schedule;
  /** Times that every sample is used. */
  readonly epochs: number;
  /** Samples a step; the last batch of an epoch may have fewer. At most the number of samples. */
  readonly batchSize: number;
  /** Determines the order of the samples in every epoch. */
  readonly seed: number;
  readonly runtime: Runtime;
  /** Output that the loss reads. Default: the model's first. */
  readonly output?: string;
  /** Default: the initializers that the model file lists as trainable. */
  readonly trainable?: readonly string[];
  /** Gradients of a larger joint norm are scaled down to it. Default: none. */
  readonly clipNorm?: number;
  /** Evaluated after every epoch. Default: nothing is. */
  readonly evaluate?: Dataset;
  /** The order of the rows in each epoch, as another program recorded it. Default: drawn from the seed. */
  readonly order?: readonly Uint32Array[];
  /** How much each row counts, by its position among the samples; 0 leaves it out. Default all 1. */
  readonly rowWeights?: Float32Array;
  /** What a batch's sum of losses is divided by. Default `weights`. */
  readonly divisor?: Divisor;
  /**
   * A checkpoint after every so many steps or epochs, or behind these parts of all steps (0.3: behind 30 %), and one at
   * the end. Default: none at all.
   */
  readonly checkpointEvery?:
    | { readonly steps: number }
    | { readonly epochs: number }
    | { readonly fractions: readonly number[] };
  /** Where checkpoints go. Default: memory. */
  readonly checkpoints?: CheckpointStore;
  /** Goes on from here; the result has the same bits as that of an uninterrupted training. */
  readonly resume?: Checkpoint;
  /** Stops between two batches; the checkpoints so far stay. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** Model inputs that are the same for every sample and change from step to step (counted from 0), such as a temperature. */
  readonly inputsAt?: (step: number, steps: number) => Tensors;
  /** What else determines the training, e.g. what samples are made of; a resumed training must have the same. */
  readonly determinedBy?: Readonly<Record<string, unknown>>;
  /** Called after every epoch, its checkpoint being saved; what it throws ends the training. */
  readonly onEpoch?: (model: OnnxModel, epoch: number) => Promise<void>;
}

/** @throws WhereforeError `invalid-argument` or `invalid-data` for options that make no sense. */
export function checkOptions(options: TrainOptions): void {
  const whole = (name: string, value: number) => {
    if (!Number.isInteger(value) || value < 1)
      throw new WhereforeError('invalid-argument', name, { got: String(value), expected: 'a whole number from 1' });
  };
  whole('epochs', options.epochs);
  whole('batchSize', options.batchSize);
  const every = options.checkpointEvery;
  if (every && 'fractions' in every) checkFractions(every.fractions);
  else if (every) whole('checkpointEvery', 'steps' in every ? every.steps : every.epochs);
  if (options.samples.length === 0) throw new WhereforeError('invalid-data', 'there are no samples to train on');
  checkSchedule(options.schedule);
}

function checkFractions(fractions: readonly number[]): void {
  const wrong = fractions.find((part) => !(part > 0 && part <= 1));
  if (wrong === undefined) return;
  throw new WhereforeError('invalid-argument', 'a fraction of checkpointEvery', {
    got: String(wrong),
    expected: 'above 0, at most 1',
  });
}

/** What determines a training besides model and data, as JSON. */
export async function settingsOf(options: TrainOptions, trainable: readonly string[], steps: number): Promise<string> {
  const { loss, optimizer, schedule, batchSize, seed, samples, output, clipNorm, inputsAt, determinedBy } = options;
  const { rowWeights, divisor, order } = options;
  // The total counts only where the schedule depends on it: other trainings may be made longer when they are resumed.
  const total = schedule.kind === 'cosine' || inputsAt ? { steps } : {};
  return JSON.stringify({
    loss,
    optimizer,
    schedule,
    batchSize,
    seed,
    samples: samples.length,
    output,
    clipNorm,
    trainable,
    ...(rowWeights && { rowWeights: await sha256(new Uint8Array(rowWeights.slice().buffer)) }),
    ...(order && { order: await sha256(bytesOfAll(order)) }),
    ...(divisor && divisor !== 'weights' && { divisor }),
    ...(determinedBy && { determinedBy }),
    ...total,
  });
}

function bytesOfAll(order: readonly Uint32Array[]): Uint8Array {
  const all = new Uint32Array(order.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const rows of order) {
    all.set(rows, at);
    at += rows.length;
  }
  return new Uint8Array(all.buffer);
}

/** @throws WhereforeError `invalid-argument` or `wrong-shape` when a training cannot go on from this checkpoint. */
export function checkResume(checkpoint: Checkpoint, settings: string, training: TrainingStep, steps: number): void {
  if (checkpoint.settings !== settings) {
    const [before, now] = [checkpoint.settings, settings].map((text) => JSON.parse(text) as Record<string, unknown>);
    const text = (value: unknown) => JSON.stringify(value) ?? 'nothing';
    const differing = [...new Set([...Object.keys(before), ...Object.keys(now)])].filter(
      (key) => text(before[key]) !== text(now[key]),
    );
    throw new WhereforeError('invalid-argument', 'the checkpoint belongs to a training with other settings', {
      got: differing.map((key) => `${key} ${text(now[key])}`).join(', '),
      expected: differing.map((key) => `${key} ${text(before[key])}`).join(', '),
    });
  }
  if (checkpoint.step > steps) {
    throw new WhereforeError('invalid-argument', 'the checkpoint lies beyond the end of the training', {
      got: `step ${checkpoint.step}`,
      expected: `at most ${steps}`,
    });
  }
  for (const half of ['parameters', 'state'] as const) {
    for (const [name, { shape }] of training.initial[half]) {
      const kept = checkpoint[half].get(name);
      if (!kept || !sameShape(kept.shape, shape)) {
        throw new WhereforeError('wrong-shape', `"${name}" of the checkpoint`, {
          got: kept ? formatShape(kept.shape) : 'nothing',
          expected: formatShape(shape),
        });
      }
    }
  }
}
