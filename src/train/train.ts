import type { GradientNote } from '../autodiff/context.ts';
import type { OnnxModel } from '../onnx/graph.ts';
import { beginTraining } from './begun-training.ts';
import { type CheckpointStore, checkpointsInMemory, type TrainingHistory } from './checkpoint.ts';
import type { TrainingPlan } from './plan.ts';
import type { TrainOptions } from './settings.ts';

export interface Trained {
  /** The model with the trained weights. */
  readonly model: OnnxModel;
  readonly history: TrainingHistory;
  readonly checkpoints: CheckpointStore;
  /** Where the gradient is not the plain derivative, e.g. straight through a rounding. */
  readonly notes: readonly GradientNote[];
}

/**
 * Trains a model: shuffled batches, one graph a step, evaluation after every epoch, checkpoints.
 *
 * The same arguments give the same bits on one machine with the same number of threads. Samples within a batch must
 * not affect each other (no statistics of the batch), because the last batch of an epoch is filled up with samples of
 * weight 0.
 * @example
 * const { model: trained, history } = await train({
 *   model,
 *   samples: datasetOf({ image: images }, { labels }),
 *   loss: { kind: 'cross-entropy' },
 *   optimizer: { kind: 'adamw', weightDecay: 0.01 },
 *   schedule: { kind: 'cosine', learningRate: 0.003 },
 *   epochs: 10,
 *   batchSize: 32,
 *   seed: 1,
 *   runtime: createNodeRuntime(),
 * });
 * @throws WhereforeError `not-finite` when the loss is not a number, with the step and the learning rate; `cancelled`
 *   when the signal is aborted; `invalid-argument` for settings that make no sense or differ from those resumed
 */
export async function train(options: TrainOptions): Promise<Trained> {
  const training = await beginTraining(options);
  const checkpoints = options.checkpoints ?? checkpointsInMemory();
  const { plan, notes } = training;
  const due = checkpointSteps(options, plan);
  try {
    training.restart(options.resume);
    while (training.at() < plan.steps) {
      await training.goOn((plan.epochAt(training.at()) + 1) * plan.perEpoch, async (step) => {
        if (due.has(step)) await checkpoints.save(await training.checkpoint());
      });
      if (options.onEpoch) await options.onEpoch(await training.model(), training.at() / plan.perEpoch);
    }
    return { model: await training.model(), history: training.history(), checkpoints, notes };
  } finally {
    await training.close();
  }
}

/** Steps, counted from 1, behind which there is to be a checkpoint. */
function checkpointSteps({ checkpointEvery: every }: TrainOptions, { steps, perEpoch }: TrainingPlan): Set<number> {
  if (!every) return new Set();
  if ('fractions' in every)
    return new Set([...every.fractions.map((part) => Math.max(1, Math.round(part * steps))), steps]);
  const interval = 'steps' in every ? every.steps : every.epochs * perEpoch;
  const due = new Set([steps]);
  for (let step = interval; step < steps; step += interval) due.add(step);
  return due;
}
