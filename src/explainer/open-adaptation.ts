import type { Dataset } from '../dataset/dataset.ts';
import { splitIndices } from '../dataset/select.ts';
import { WhereforeError } from '../errors.ts';
import type { OnnxModel } from '../onnx/graph.ts';
import type { Model } from '../runtime/model.ts';
import { filled } from '../tensor/filled.ts';
import { float32, type Tensor } from '../tensor/tensor.ts';
import {
  type BegunTraining,
  beginTraining,
  type Checkpoint,
  type Schedule,
  type TrainingHistory,
  type TrainingProgress,
  withParameters,
} from '../train/index.ts';
import { gradientToTell, type Told } from './class-gradient.ts';
import { type Classifier, readClassifier } from './classifier.ts';
import type { FusedComparison } from './compare-fused.ts';
import { type ExplainerFacts, explainerModel } from './explainer-model.ts';
import { fuse } from './fuse.ts';
import { trainingInputs } from './objective.ts';
import { pixelStatistics } from './references.ts';
import { explainerSamples, imagesOf } from './samples.ts';
import { type LaxOptions, type LaxSettings, laxSettings } from './settings.ts';
import { type TrainingModel, trainingModel } from './training-model.ts';
import { checkCollapse, type Validation, validate } from './validate.ts';

export interface AdaptationOptions {
  readonly settings?: LaxOptions;
  /** Axis of the input's channels, 1 or 3. Default: the one of them with 1, 3 or 4 elements. */
  readonly channelAxis?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TrainingProgress) => void;
}

/** What a training of an explainer will do. */
export interface AdaptPlan {
  readonly settings: LaxSettings;
  readonly images: number;
  readonly validated: number;
  readonly layers: TrainingModel['maps'];
  /** Points at which the adapter is told the gradient of the class, and why there are none where they were not left out. */
  readonly gradients: readonly number[];
  readonly missing?: string;
  readonly channels: number;
  readonly parameters: number;
  /** Steps of an epoch. */
  readonly perEpoch: number;
}

/** A trained explainer. */
export interface Adapted {
  /** Image and class in, mask out. */
  readonly explainer: OnnxModel;
  /** The model's own outputs, and the mask of the predicted class. */
  readonly fused: OnnxModel;
  /** Whether the fused model predicts the same bits as the model file, found by running both. */
  readonly comparison: FusedComparison;
  readonly facts: ExplainerFacts;
  readonly history: TrainingHistory;
  readonly validations: readonly Validation[];
}

/** The training of an explainer, ready to go on from any checkpoint, epoch by epoch. */
export interface OpenAdaptation {
  readonly plan: AdaptPlan;
  /**
   * Trains the epoch behind a checkpoint, or the first; the same bits whether earlier ones were trained here.
   * @throws WhereforeError `not-finite`, `cancelled`; `invalid-argument` for a checkpoint of other settings
   */
  epoch(from: Checkpoint | undefined): Promise<Checkpoint>;
  /** How good the explainer of a checkpoint is on the images that are held out. */
  validate(checkpoint: Checkpoint): Promise<Validation>;
  /** @param validations Those of the epochs so far. @throws WhereforeError `collapsed` */
  check(validations: readonly Validation[]): void;
  /** The explainer of the last checkpoint, alone and beside the model. */
  finish(last: Checkpoint, validations: readonly Validation[]): Promise<Adapted>;
  close(): Promise<void>;
}

/** Looks at model and images and makes the training model. @throws WhereforeError as `adapt` */
export async function openAdaptation(
  model: Model,
  dataset: Dataset,
  options: AdaptationOptions = {},
): Promise<OpenAdaptation> {
  const settings = laxSettings(options.settings);
  const { runtime } = model.executor;
  const [held, own] = splitOf(dataset.length, settings);
  const [{ name: input }] = model.graph.inputs;
  const images = await imagesOf(dataset, input, own);
  const heldOut = await imagesOf(dataset, input, held);
  const some = await images(firstOf(own, 256));
  const classifier = await readClassifier(model, new Map([[input, some]]), options);
  const statistics = pixelStatistics(some, classifier.layout);
  const told = await gradientToTell(model.executor, classifier, settings, some);
  const training = trainingModel(classifier, settings, statistics, told);
  const apart = { ...settings, otherClasses: 0, seed: settings.seed + 1 };
  const validation = explainerSamples(heldOut, held.length, classifier, apart, statistics);
  const trainable = {
    model: training.onnx,
    samples: explainerSamples(images, own.length, classifier, settings, statistics),
    loss: { kind: 'output' },
    output: training.onnx.graph.outputs[0].name,
    optimizer: { kind: 'adamw', weightDecay: settings.weightDecay },
    schedule: scheduleOf(settings),
    ...{ epochs: settings.epochs, batchSize: settings.batchSize, seed: settings.seed, runtime },
    ...{ signal: options.signal, onProgress: options.onProgress },
    determinedBy: { explainer: settings, model: model.hash },
    inputsAt: (step: number, steps: number) => inputsAt(settings, step, steps),
  } as const;
  let begun: Promise<BegunTraining> | undefined;
  const begin = async () => (begun ??= beginTraining(trainable));
  const of = (checkpoint: Checkpoint) => withParameters(training.onnx, checkpoint.parameters);
  return {
    plan: {
      ...{ settings, images: own.length, validated: held.length, layers: training.maps },
      ...{ gradients: told.points, missing: told.missing },
      ...{ channels: training.channels, parameters: training.parameters },
      perEpoch: Math.ceil(own.length / Math.min(settings.batchSize, own.length)),
    },
    async epoch(from) {
      const now = await begin();
      // Where it stands already it need not read its weights again.
      if (from === undefined || from.step !== now.at()) now.restart(from);
      await now.goOn(now.at() + now.plan.perEpoch);
      return now.checkpoint();
    },
    validate: (checkpoint) => validate(of(checkpoint), validation, settings, runtime, checkpoint.epoch),
    check(validations) {
      const epoch = validations.at(-1)?.epoch ?? 0;
      // Early on a mask over everything is a normal state: it suffices, and its area costs little yet.
      const settled = settings.epochs * Math.max(settings.warmUp, 0.5);
      if (epoch >= settled) checkCollapse(validations, epoch === settings.epochs, settings);
    },
    async finish(last, validations) {
      const trained = of(last);
      const facts = factsOf(model, classifier, training, told, settings, validations.at(-1) as Validation);
      const few = await heldOut(firstOf(held, 16));
      return {
        explainer: explainerModel(trained, training, classifier, facts),
        ...(await fuse(model, trained, training, classifier, facts, few)),
        facts,
        history: last.history,
        validations,
      };
    },
    close: async () => (await begun)?.close(),
  };
}

/** The first positions of so many at most. */
function firstOf({ length }: Uint32Array, most: number): Uint32Array {
  return filled(new Uint32Array(Math.min(most, length)), (i) => i);
}

/** Held-out and own images. @throws WhereforeError `invalid-data` when there are too few to hold any apart */
function splitOf(count: number, settings: LaxSettings): [Uint32Array, Uint32Array] {
  const share = Math.min(settings.validation, 256 / Math.max(1, count));
  const [held, own] = splitIndices(count, share, settings.seed);
  if (held.length && own.length) return [held, own];
  throw new WhereforeError('invalid-data', 'too few images to train an explainer', {
    got: `${count}`,
    expected: `at least ${Math.ceil(1 / settings.validation)}`,
    fix: 'give more images; they need no labels',
  });
}

const scheduleOf = ({ learningRate }: LaxSettings): Schedule => ({ kind: 'cosine', learningRate });

/** τ falls geometrically from the first step to the last; λ_a rises linearly over the warm-up. */
function inputsAt({ temperature, minimality, warmUp }: LaxSettings, step: number, steps: number): Map<string, Tensor> {
  const [from, to] = temperature;
  const tau = from * (to / from) ** (step / Math.max(1, steps - 1));
  const risen = Math.min(1, (step + 1) / Math.max(1, warmUp * steps));
  return new Map([
    [trainingInputs.temperature, float32([], [tau])],
    [trainingInputs.minimality, float32([], [minimality * risen])],
  ]);
}

function factsOf(
  model: Model,
  { input, layout, classes }: Classifier,
  { maps, parameters }: TrainingModel,
  { gradient, points, missing }: Told,
  settings: LaxSettings,
  validation: Validation,
): ExplainerFacts {
  const { threshold, references, seed } = settings;
  return {
    version: 1,
    model: model.hash,
    input,
    channelAxis: layout.channelAxis,
    height: layout.height,
    width: layout.width,
    classes,
    layers: maps.map(({ name, form, channels, height, width }) => ({ name, form, channels, height, width })),
    gradients: { points: [...points], notes: gradient?.notes.map(({ text }) => text) ?? [], missing },
    parameters,
    threshold,
    references: [...references],
    seed,
    settings: { ...settings },
    validation: { ...validation },
  };
}
