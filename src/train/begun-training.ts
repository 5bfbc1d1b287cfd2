import type { GradientNote } from '../autodiff/context.ts';
import type { OnnxModel } from '../onnx/graph.ts';
import { throwIfCancelled } from '../runtime/runtime.ts';
import type { Checkpoint, EpochRecord, TrainingHistory } from './checkpoint.ts';
import { diverged } from './diverged.ts';
import { evaluateLoss, type LossEvaluation } from './evaluate.ts';
import { withParameters } from './parameters.ts';
import { planTraining, type TrainingPlan } from './plan.ts';
import { checkOptions, checkResume, settingsOf, type TrainOptions } from './settings.ts';
import { openTrainingStep, type TrainingState } from './step.ts';

/** A training whose session is open: it goes on as far as it is told to, from wherever it is told to. */
export interface BegunTraining {
  readonly plan: TrainingPlan;
  readonly notes: readonly GradientNote[];
  /** Steps done. */
  at(): number;
  /** The next step follows this checkpoint, or is the first. @throws WhereforeError as `checkResume` */
  restart(from: Checkpoint | undefined): void;
  /**
   * Trains until so many steps are done.
   * @param reached Called after each step, before it is reported.
   * @throws WhereforeError `not-finite`, `cancelled`
   */
  goOn(until: number, reached?: (step: number) => Promise<void>): Promise<void>;
  /** Everything that it takes to go on from here. */
  checkpoint(): Promise<Checkpoint>;
  history(): TrainingHistory;
  /** The model with the weights of now. */
  model(): Promise<OnnxModel>;
  close(): Promise<void>;
}

/** Opens a training before its first step. @throws WhereforeError as `train` */
export async function beginTraining(options: TrainOptions): Promise<BegunTraining> {
  checkOptions(options);
  const { samples, signal } = options;
  const plan = planTraining(options);
  const { perEpoch, steps, size } = plan;
  const training = await openTrainingStep(options, await plan.example());
  const settings = await settingsOf(options, training.trainable, steps).catch(async (error: unknown) => {
    await training.close();
    throw error;
  });
  const [losses, rates] = [new Float64Array(steps), new Float64Array(steps)];
  let records: EpochRecord[] = [];
  let done = 0;
  let known: TrainingState | undefined;
  const read = async () => (known ??= await training.read());

  const takeStep = async (): Promise<number | undefined> => {
    throwIfCancelled(signal);
    const [epoch, learningRate] = [plan.epochAt(done), plan.learningRateAt(done)];
    const batch = await plan.batchAt(done);
    const { loss, gradientNorm } = batch ? await training.run(batch, done + 1, learningRate) : { loss: 0 };
    if (!Number.isFinite(loss)) throw diverged(loss, { step: done + 1, epoch: epoch + 1, learningRate });
    [losses[done], rates[done]] = [loss, learningRate];
    done++;
    known = undefined;
    return gradientNorm;
  };
  const endEpoch = async (): Promise<LossEvaluation | undefined> => {
    let evaluation: LossEvaluation | undefined;
    if (options.evaluate) {
      const model = withParameters(options.model, (await read()).parameters);
      evaluation = await evaluateLoss({ ...options, model, samples: options.evaluate, signal });
    }
    const loss = epochLoss(losses, done - perEpoch, perEpoch, size, samples.length);
    records.push({ epoch: done / perEpoch, loss, ...(evaluation ? { evaluation } : {}) });
    return evaluation;
  };
  const history = (): TrainingHistory => ({
    epochs: [...records],
    losses: losses.slice(0, done),
    learningRates: rates.slice(0, done),
  });
  return {
    plan,
    notes: training.notes,
    at: () => done,
    history,
    restart(from) {
      if (from) checkResume(from, settings, training, steps);
      training.restart(from ?? training.initial);
      done = from?.step ?? 0;
      records = [...(from?.history.epochs ?? [])];
      losses.set(from?.history.losses ?? []);
      rates.set(from?.history.learningRates ?? []);
      known = undefined;
    },
    async goOn(until, reached) {
      while (done < until) {
        const gradientNorm = await takeStep();
        const evaluation = done % perEpoch === 0 ? await endEpoch() : undefined;
        await reached?.(done);
        options.onProgress?.({
          ...{ epoch: plan.epochAt(done - 1) + 1, epochs: options.epochs, step: done, steps },
          ...{ loss: losses[done - 1], learningRate: rates[done - 1] },
          ...(gradientNorm === undefined ? {} : { gradientNorm }),
          ...(evaluation ? { evaluation } : {}),
        });
      }
    },
    async checkpoint() {
      const epoch = Math.floor(done / perEpoch);
      const learningRate = done > 0 ? rates[done - 1] : plan.learningRateAt(0);
      return { ...(await read()), step: done, epoch, learningRate, history: history(), settings };
    },
    model: async () => withParameters(options.model, (await read()).parameters),
    close: () => training.close(),
  };
}

function epochLoss(losses: Float64Array, from: number, perEpoch: number, size: number, count: number): number {
  let sum = 0;
  for (let i = 0; i < perEpoch; i++) sum += losses[from + i] * Math.min(size, count - i * size);
  return sum / count;
}
