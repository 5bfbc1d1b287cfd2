import { WhereforeError } from '../../errors.ts';
import type { Tensors } from '../../runtime/runtime.ts';
import { mapped } from '../../tensor/filled.ts';
import {
  type Dataset,
  openRowLosses,
  openTrainer,
  readParameters,
  redrawnWeights,
  type TrainOptions,
  trainableParameters,
} from '../../train/index.ts';
import { classNumbers, withLabels } from '../decided-dataset.ts';
import type { RetrainedValues, Retraining } from '../material.ts';

/** A training that can be made again. */
export interface Recipe extends TrainOptions {
  /** Initial weights of a seed. Default: the model's own for the recipe's seed, {@link redrawnWeights} for others. */
  readonly initial?: (seed: number) => Tensors;
}

export interface RetrainingOptions {
  /** Its model has the weights from before the training. */
  readonly recipe: Recipe;
  /** Rows whose loss is measured. */
  readonly queries: Dataset;
}

/** One training in the plan of an experiment: which rows it uses, and its seed. */
export interface PlannedTraining {
  /** How often each row is used. */
  readonly counts: Uint32Array;
  readonly seed: number;
  /** Classes that rows have in this training instead of their own, by row. Default: none. */
  readonly labels?: ReadonlyMap<number, number>;
  /** Whether the weights at its end are wanted. */
  readonly keeps?: boolean;
}

/** Trains a recipe again on parts of its rows. */
export interface OpenRetraining extends Retraining {
  /**
   * The same with everything that a plan says, and on other samples where some are given.
   * @param samples as many rows, of the same shapes; `rows` of the result are judged by the recipe's own
   */
  trainOn(samples: Dataset | undefined, planned: PlannedTraining, signal?: AbortSignal): Promise<RetrainedValues>;
  close(): Promise<void>;
}

/**
 * Opens a recipe for retraining: f is minus the loss, in nats, of every query and of every training row.
 *
 * Trainings of one seed are paired: they start from the same weights and read the rows in the same order, so that they
 * differ by the rows alone. A row that is used 0 times keeps its place in the order.
 */
export async function openRetraining({ recipe, queries }: RetrainingOptions): Promise<OpenRetraining> {
  const own = readParameters(recipe.model, trainableParameters(recipe.model, recipe.trainable));
  const { initial = (seed: number) => (seed === recipe.seed ? own : redrawnWeights(own, seed)) } = recipe;
  const trainer = await openTrainer(recipe);
  const [ofQueries, ofRows] = [
    await openRowLosses({ ...recipe, samples: queries }),
    await openRowLosses({ ...recipe, samples: recipe.samples }),
  ];
  const trainOn: OpenRetraining['trainOn'] = async (
    given = recipe.samples,
    { counts, seed, labels, keeps },
    signal,
  ) => {
    if (counts.length !== recipe.samples.length) {
      throw new WhereforeError('wrong-shape', 'how often each row is used', {
        got: `${counts.length} rows`,
        expected: `${recipe.samples.length}`,
      });
    }
    const samples = labels?.size ? relabelled(given, labels) : given;
    const parameters = initial(seed);
    const isUntrained = counts.every((count) => count === 0);
    const rowWeights = mapped(Float32Array, counts, (count, i) => count * (recipe.rowWeights?.[i] ?? 1));
    const end = isUntrained
      ? parameters
      : (await trainer.train({ parameters, seed, rowWeights, samples }, signal)).parameters;
    const negated = (losses: Float64Array) => losses.map((loss) => -loss);
    const [asked, rows] = [await ofQueries.at(end, signal), await ofRows.at(end, signal)];
    return {
      queries: negated(asked.losses),
      rows: negated(rows.losses),
      ...(asked.right && rows.right && { right: { queries: asked.right, rows: rows.right } }),
      ...(keeps && { weights: end }),
    };
  };
  return {
    unit: 'nats',
    train: (counts, seed, signal) => trainOn(undefined, { counts, seed }, signal),
    trainOn,
    async close() {
      await Promise.all([trainer.close(), ofQueries.close(), ofRows.close()]);
    },
  };
}

/** The same rows with other classes for some of them. */
function relabelled(samples: Dataset, labels: ReadonlyMap<number, number>): Dataset {
  const { labels: own } = samples;
  if (own?.type !== 'int64' || own.shape.length !== 1) {
    throw new WhereforeError('wrong-type', 'rows that have no class cannot be given another one', {
      got: own ? `targets of type ${own.type}, ${own.shape.length} dimensions` : 'no labels',
    });
  }
  const classes = classNumbers(own);
  for (const [row, label] of labels) classes[row] = label;
  return withLabels(samples, classes);
}
