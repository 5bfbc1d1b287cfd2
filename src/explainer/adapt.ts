import type { Dataset } from '../dataset/dataset.ts';
import { splitIndices } from '../dataset/select.ts';
import { WhereforeError } from '../errors.ts';
import type { OnnxModel } from '../onnx/graph.ts';
import type { Model } from '../runtime/model.ts';
import { float32, type Tensor } from '../tensor/tensor.ts';
import {
  type Checkpoint,
  type CheckpointStore,
  type Schedule,
  type TrainingHistory,
  type TrainingProgress,
  train,
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

export interface AdaptOptions {
  readonly settings?: LaxOptions;
  /** Axis of the input's channels, 1 or 3. Default: the one of them with 1, 3 or 4 elements. */
  readonly channelAxis?: number;
  /** Where checkpoints go, one after every epoch. Default: none are kept. */
  readonly checkpoints?: CheckpointStore;
  /** Goes on from here; the result has the same bits as that of an uninterrupted training. */
  readonly resume?: Checkpoint;
  readonly signal?: AbortSignal;
  /** Told what will be trained, before it is. */
  readonly onStart?: (plan: AdaptPlan) => void;
  readonly onProgress?: (progress: TrainingProgress) => void;
  readonly onValidation?: (validation: Validation) => void;
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

/**
 * Trains a learned explainer (LAX): a small network that turns a frozen classifier's features and a class into a mask,
 * on unlabelled images, so that what the mask keeps suffices for the prediction, what it leaves does not, and it is
 * small. The classifier does not change.
 *
 * Source: "Learning Quantifiable Visual Explanations Without Ground-Truth", arXiv 2605.18681; the loss is our
 * reconstruction (see `appendObjective`).
 * @throws WhereforeError `unsupported-model` for a model that is no classifier of images, `collapsed` when the mask
 *   comes to keep all or nothing, `not-finite`, `cancelled`, `invalid-argument`
 */
export async function adapt(model: Model, dataset: Dataset, options: AdaptOptions = {}): Promise<Adapted> {
  const settings = laxSettings(options.settings);
  const { runtime } = model.executor;
  const [held, own] = splitOf(dataset.length, settings);
  const [{ name: input }] = model.graph.inputs;
  const images = await imagesOf(dataset, input, own);
  const heldOut = await imagesOf(dataset, input, held);
  const some = await images(Uint32Array.from({ length: Math.min(256, own.length) }, (_, i) => i));
  const classifier = await readClassifier(model, new Map([[input, some]]), options);
  const statistics = pixelStatistics(some, classifier.layout);
  const told = await gradientToTell(model.executor, classifier, settings, some);
  const training = trainingModel(classifier, settings, statistics, told);
  options.onStart?.({
    settings,
    images: own.length,
    validated: held.length,
    layers: training.maps,
    gradients: told.points,
    missing: told.missing,
    channels: training.channels,
    parameters: training.parameters,
  });

  const samples = explainerSamples(images, own.length, classifier, settings, statistics);
  const apart = { ...settings, otherClasses: 0, seed: settings.seed + 1 };
  const validation = explainerSamples(heldOut, held.length, classifier, apart, statistics);
  const validations: Validation[] = [];
  const validateNow = (now: OnnxModel, epoch: number) => validate(now, validation, settings, runtime, epoch);
  // What an interrupted training had found is found again from its checkpoints.
  for (const step of options.resume ? await (options.checkpoints?.steps() ?? []) : []) {
    const earlier = step <= (options.resume?.step ?? 0) ? await options.checkpoints?.load(step) : undefined;
    if (earlier) validations.push(await validateNow(withParameters(training.onnx, earlier.parameters), earlier.epoch));
  }
  // Early on a mask over everything is a normal state: it suffices, and its area costs little yet.
  const settled = settings.epochs * Math.max(settings.warmUp, 0.5);
  const { model: trained, history } = await train({
    model: training.onnx,
    samples,
    loss: { kind: 'output' },
    output: training.onnx.graph.outputs[0].name,
    optimizer: { kind: 'adamw', weightDecay: settings.weightDecay },
    schedule: scheduleOf(settings),
    epochs: settings.epochs,
    batchSize: settings.batchSize,
    seed: settings.seed,
    runtime,
    checkpointEvery: options.checkpoints && { epochs: 1 },
    checkpoints: options.checkpoints,
    resume: options.resume,
    signal: options.signal,
    onProgress: options.onProgress,
    determinedBy: { explainer: settings, model: model.hash },
    inputsAt: (step, steps) => inputsAt(settings, step, steps),
    onEpoch: async (now, epoch) => {
      const found = await validateNow(now, epoch);
      validations.push(found);
      options.onValidation?.(found);
      if (epoch >= settled) checkCollapse(validations, epoch === settings.epochs, settings);
    },
  });
  if (validations.length === 0) {
    // Resumed after its last step, from a checkpoint that lies nowhere else.
    validations.push(await validateNow(trained, settings.epochs));
    checkCollapse(validations, true, settings);
  }
  const facts = factsOf(model, classifier, training, told, settings, validations.at(-1) as Validation);
  const few = await heldOut(Uint32Array.from({ length: Math.min(16, held.length) }, (_, i) => i));
  return {
    explainer: explainerModel(trained, training, classifier, facts),
    ...(await fuse(model, trained, training, classifier, facts, few)),
    facts,
    history,
    validations,
  };
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
