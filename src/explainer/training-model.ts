import type { OnnxModel } from '../onnx/graph.ts';
import { Network, type Value } from '../train/index.ts';
import { adapter, prefix, unet } from './adapter.ts';
import type { Told } from './class-gradient.ts';
import type { Classifier } from './classifier.ts';
import { chooseFeatureMaps, type FeatureMap } from './feature-maps.ts';
import { gradientChannels } from './gradient-channels.ts';
import { appendObjective, explainedClass, objectiveOutputs, trainingInputs } from './objective.ts';
import type { PixelStatistics } from './references.ts';
import type { LaxSettings } from './settings.ts';

/** A frozen classifier with an untrained explainer and its objective. */
export interface TrainingModel {
  readonly onnx: OnnxModel;
  /** The value that holds the explained class, int64 `[N]`. */
  readonly label: string;
  readonly mask: string;
  /** What the explainer reads; none where it reads the input alone. */
  readonly maps: readonly FeatureMap[];
  readonly channels: number;
  /** Where it is told the gradient of the class: points t of `μ + t·(x − μ)`; none where it is not. */
  readonly points: readonly number[];
  /** Trained numbers. */
  readonly parameters: number;
}

/** Builds the graph that a training step is made of: frozen model, explainer, mixtures, frozen model again, losses. */
export function trainingModel(
  classifier: Classifier,
  settings: LaxSettings,
  statistics: PixelStatistics,
  { gradient, points }: Told = { points: [] },
): TrainingModel {
  const { layout, classes, input } = classifier;
  const network = new Network({ name: 'explainer', seed: settings.seed, onto: classifier.onnx, prefix });
  const shape = classifier.onnx.graph.inputs[0].shape ?? [];
  network.input(trainingInputs.rank, 'int64', ['N', 1]);
  network.input(trainingInputs.threshold, 'float32', ['N', 1, 1, 1]);
  network.input(trainingInputs.moved, 'int64', ['N', 1]);
  network.input(trainingInputs.reference, 'float32', shape);
  network.input(trainingInputs.temperature, 'float32', []);
  network.input(trainingInputs.minimality, 'float32', []);
  const { builder } = network;
  const label = explainedClass(builder, classifier.scores, classes, settings.topClasses);

  const maps = settings.reads === 'features' ? chooseFeatureMaps(classifier.features, settings.layers) : [];
  const channels = channelsOf(settings, maps);
  const options = { channels, classes, layout, detail: maps.length ? settings.detail : 0 };
  const image: Value = { name: input, shape: ['N', layout.channels, layout.height, layout.width] };
  if (layout.channelAxis === 3 && (maps.length === 0 || settings.detail > 0)) {
    const moved = builder.op('Transpose', [input], { perm: [0, 3, 1, 2] });
    Object.assign(image, { name: moved });
  }
  const told = gradient && gradientChannels(builder, gradient, classifier, label, points);
  const mask = maps.length ? adapter(network, maps, image, label, options, told) : unet(network, image, label, options);
  appendObjective(builder, classifier, mask.name, label, settings, statistics);

  const outputs = [...Object.values(objectiveOutputs).map((name) => ({ name, shape: ['N'] })), mask];
  const onnx = network.build(outputs);
  const parameters = network.trainable.reduce(
    (sum, name) => sum + (onnx.graph.initializers.get(name)?.shape ?? []).reduce((a, b) => a * b, 1),
    0,
  );
  return { onnx, label, mask: mask.name, maps, channels, points, parameters };
}

/** Channels come in groups of four, over which the adapter normalises. */
function channelsOf(settings: LaxSettings, maps: readonly FeatureMap[]): number {
  const wanted = settings.channels ?? (maps.some(({ form }) => form === 'tokens') ? 128 : maps.length ? 64 : 24);
  return Math.ceil(wanted / 4) * 4;
}
