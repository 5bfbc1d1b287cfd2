import type { Dataset } from '../dataset/dataset.ts';
import { type Tensors, throwIfCancelled } from '../runtime/runtime.ts';
import { diverged } from './diverged.ts';
import { planTraining } from './plan.ts';
import { checkOptions, type TrainOptions } from './settings.ts';
import { openTrainingStep } from './step.ts';

/** One of many trainings of the same recipe: what differs. */
export interface Variant {
  /** Initial weights. Default: those of the model. */
  readonly parameters?: Tensors;
  /** Determines the order of the rows. Default: the recipe's. */
  readonly seed?: number;
  /** Default: the recipe's. */
  readonly rowWeights?: Float32Array;
  /** The same rows with other inputs or targets (other labels, say). Default: the recipe's. */
  readonly samples?: Dataset;
}

/** Weights at the end of a training, and the loss of each step's batch. */
export interface TrainedWeights {
  readonly parameters: Tensors;
  readonly losses: Float64Array;
}

/** Trains the same recipe again and again, in a session that stays open. */
export interface Trainer {
  /** Trainings of one trainer run one after the other. */
  train(variant: Variant, signal?: AbortSignal): Promise<TrainedWeights>;
  close(): Promise<void>;
}

/** Steps that the runtime is given before the loss of the first is read: it need not wait for this thread. */
const underWay = 4;

/**
 * Opens the training step of a recipe for many trainings. Each gives the bits that `train` gives with the same
 * arguments.
 * @throws WhereforeError as `train`
 */
export async function openTrainer(recipe: TrainOptions): Promise<Trainer> {
  checkOptions(recipe);
  const step = await openTrainingStep(recipe, await planTraining(recipe).example());
  const trainOne = async (variant: Variant, signal?: AbortSignal): Promise<TrainedWeights> => {
    const changed = { ...recipe, ...given(variant) };
    const plan = planTraining(changed);
    const losses = new Float64Array(plan.steps);
    step.restart({ parameters: variant.parameters ?? step.initial.parameters, state: step.initial.state });
    const running: Promise<void>[] = [];
    try {
      for (let at = 0; at < plan.steps; at++) {
        throwIfCancelled(signal);
        if (running.length === underWay) await running.shift();
        const learningRate = plan.learningRateAt(at);
        const batch = await plan.batchAt(at);
        if (!batch) continue;
        const ran = step.run(batch, at + 1, learningRate).then(({ loss }) => {
          if (!Number.isFinite(loss)) throw diverged(loss, { step: at + 1, epoch: plan.epochAt(at) + 1, learningRate });
          losses[at] = loss;
        });
        // Read in its turn; until then it counts as handled.
        ran.catch(() => undefined);
        running.push(ran);
      }
      await Promise.all(running);
    } finally {
      // What is under way belongs to a training that failed; the next one starts behind it.
      await Promise.allSettled(running);
    }
    return { parameters: (await step.read()).parameters, losses };
  };
  let last: Promise<unknown> = Promise.resolve();
  return {
    train(variant, signal) {
      const next = last.then(() => trainOne(variant, signal));
      last = next.catch(() => undefined);
      return next;
    },
    close: () => step.close(),
  };
}

/** What a variant says; `undefined` does not hide what the recipe says. */
function given({ seed, rowWeights, samples }: Variant): Partial<TrainOptions> {
  return {
    ...(seed !== undefined && { seed, order: undefined }),
    ...(rowWeights && { rowWeights }),
    ...(samples && { samples }),
  };
}
