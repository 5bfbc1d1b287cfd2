import type { GradientNote } from '../autodiff/context.ts';
import type { OnnxModel } from '../onnx/graph.ts';
import { throwIfCancelled } from '../runtime/runtime.ts';
import { type CheckpointStore, checkpointsInMemory, type EpochRecord, type TrainingHistory } from './checkpoint.ts';
import { diverged } from './diverged.ts';
import { evaluateLoss, type LossEvaluation } from './evaluate.ts';
import { withParameters } from './parameters.ts';
import { planTraining, type TrainingPlan } from './plan.ts';
import { checkOptions, checkResume, settingsOf, type TrainOptions } from './settings.ts';
import { openTrainingStep, type TrainingState } from './step.ts';

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
 *   samples: samplesInMemory(new Map([['image', images]]), labels),
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
  checkOptions(options);
  const { samples, epochs, resume, signal, onProgress } = options;
  const plan = planTraining(options);
  const { size, perEpoch, steps } = plan;
  const due = checkpointSteps(options, plan);
  const checkpoints = options.checkpoints ?? checkpointsInMemory();

  const training = await openTrainingStep(options, await plan.example());
  try {
    const settings = await settingsOf(options, training.trainable, steps);
    if (resume) checkResume(resume, settings, training, steps);
    const records: EpochRecord[] = [...(resume?.history.epochs ?? [])];
    const losses = new Float64Array(steps);
    const rates = new Float64Array(steps);
    losses.set(resume?.history.losses ?? []);
    rates.set(resume?.history.learningRates ?? []);
    const historyUntil = (step: number): TrainingHistory => ({
      epochs: [...records],
      losses: losses.slice(0, step),
      learningRates: rates.slice(0, step),
    });
    if (resume) training.restart(resume);

    for (let step = resume?.step ?? 0; step < steps; ) {
      throwIfCancelled(signal);
      const epoch = plan.epochAt(step);
      const learningRate = plan.learningRateAt(step);
      const batch = await plan.batchAt(step);
      const { loss, gradientNorm } = batch ? await training.run(batch, step + 1, learningRate) : { loss: 0 };
      if (!Number.isFinite(loss)) throw diverged(loss, { step: step + 1, epoch: epoch + 1, learningRate });
      losses[step] = loss;
      rates[step] = learningRate;
      step++;

      const endsEpoch = step % perEpoch === 0;
      let state: TrainingState | undefined;
      if (due.has(step)) state = await training.read();
      let evaluation: LossEvaluation | undefined;
      if (endsEpoch) {
        if (options.evaluate) {
          state ??= await training.read();
          const model = withParameters(options.model, state.parameters);
          evaluation = await evaluateLoss({ ...options, model, samples: options.evaluate, signal });
        }
        records.push({
          epoch: epoch + 1,
          loss: epochLoss(losses, step - perEpoch, perEpoch, size, samples.count),
          ...(evaluation ? { evaluation } : {}),
        });
      }
      if (due.has(step) && state) {
        await checkpoints.save({
          ...state,
          step,
          epoch: Math.floor(step / perEpoch),
          learningRate,
          history: historyUntil(step),
          settings,
        });
      }
      onProgress?.({
        epoch: epoch + 1,
        epochs,
        step,
        steps,
        loss,
        learningRate,
        ...(gradientNorm === undefined ? {} : { gradientNorm }),
        ...(evaluation ? { evaluation } : {}),
      });
      if (endsEpoch && options.onEpoch) {
        state ??= await training.read();
        await options.onEpoch(withParameters(options.model, state.parameters), epoch + 1);
      }
    }
    const { parameters } = await training.read();
    return {
      model: withParameters(options.model, parameters),
      history: historyUntil(steps),
      checkpoints,
      notes: training.notes,
    };
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

function epochLoss(losses: Float64Array, from: number, perEpoch: number, size: number, count: number): number {
  let sum = 0;
  for (let i = 0; i < perEpoch; i++) sum += losses[from + i] * Math.min(size, count - i * size);
  return sum / count;
}
