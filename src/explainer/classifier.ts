import { layersBetween } from '../attribution/layers.ts';
import { finalNode } from '../attribution/targets/scale.ts';
import type { Facts } from '../autodiff/facts.ts';
import { WhereforeError } from '../errors.ts';
import type { Graph, OnnxModel } from '../onnx/graph.ts';
import { freeBatch } from '../onnx/lowering/free-batch.ts';
import type { Model } from '../runtime/model.ts';
import type { Tensors } from '../runtime/runtime.ts';
import { concatRows, formatShape, sizeOf, type Tensor } from '../tensor/tensor.ts';
import { type FeatureMap, featureMaps, type ImageLayout } from './feature-maps.ts';

/** A classifier of images, seen as what an explainer needs of it. */
export interface Classifier {
  /** The lowered model, for batches of any size. */
  readonly onnx: OnnxModel;
  readonly input: string;
  readonly layout: ImageLayout;
  /** The scores before the softmax, `[N, K]` or with axes of size 1 behind. */
  readonly scores: string;
  /** The model output that tells the prediction. */
  readonly output: string;
  readonly classes: number;
  /** Feature maps that an adapter may read, in the order in which they are computed. */
  readonly features: readonly FeatureMap[];
}

/**
 * Reads a model as a classifier of images.
 * @param example a batch of inputs of the shapes that will be used
 * @throws WhereforeError `unsupported-model` when it is none: several inputs, no space, no single class axis, sigmoid
 *   outputs, weights in another file, rows of a batch that affect each other
 */
export async function readClassifier(
  model: Model,
  example: Tensors,
  options: { readonly channelAxis?: number } = {},
): Promise<Classifier> {
  const refuse = (what: string, got: string, fix?: string): never => {
    throw new WhereforeError('unsupported-model', `no explainer can be trained: ${what}`, {
      where: model.name,
      got,
      fix,
    });
  };
  const { inputs } = model.graph;
  if (inputs.length !== 1) refuse('the model has several inputs', inputs.map(({ name }) => `"${name}"`).join(', '));
  const input = inputs[0].name;
  const image = example.get(input);
  if (!image) refuse(`the input "${input}" is missing`, [...example.keys()].join(', '));
  const layout = layoutOf(image as Tensor, options.channelAxis);
  const outside = [...model.graph.initializers.values()].find(({ location }) => location.kind === 'file');
  if (outside) refuse('weights lie in another file', `"${outside.name}"`, 'save the model as one file');

  const onnx = { ...model.executor.model, graph: freeBatch(model.graph) };
  const { graph, facts } = await model.executor.specialise(onnx.graph, example);
  const output = graph.outputs.find(({ name }) => facts.types.get(name) === 'float32')?.name;
  if (!output) return refuse('the model has no output of floats', graph.outputs.map(({ name }) => name).join(', '));
  const last = finalNode(graph, output);
  if (last?.op === 'Sigmoid') {
    refuse('the model gives each class a probability of its own', `"${output}" ends in Sigmoid`);
  }
  const scores = last?.op === 'Softmax' || last?.op === 'LogSoftmax' ? last.inputs[0] : output;
  const shape = facts.shapes.get(scores) ?? [];
  const [count, ...rest] = shape;
  const classes = sizeOf(rest);
  const rows = image?.shape[0] as number;
  if (count !== rows || rest.filter((size) => size > 1).length > 1 || classes < 2) {
    refuse('its scores are no list of classes', `"${scores}" ${formatShape(shape)}`);
  }
  await checkRowsApart(model, onnx.graph, input, image as Tensor<'float32'>, scores, classes);
  const candidates = layersBetween(graph, facts, [input], output);
  return { onnx, input, layout, scores, output, classes, features: featureMaps(candidates, layout) };
}

function layoutOf(image: Tensor, channelAxis: number | undefined): ImageLayout {
  const { shape } = image;
  const isChannels = (size: number) => size === 1 || size === 3 || size === 4;
  const axis = channelAxis ?? [1, 3].find((candidate) => isChannels(shape[candidate]));
  if (image.type !== 'float32' || shape.length !== 4 || (axis !== 1 && axis !== 3)) {
    throw new WhereforeError('unsupported-model', 'no explainer can be trained: the input is no image', {
      got: `${image.type} ${formatShape(shape)}`,
      expected: 'float32 N×C×H×W or N×H×W×C with 1, 3 or 4 channels',
    });
  }
  const [height, width] = axis === 1 ? shape.slice(2) : shape.slice(1, 3);
  return { channelAxis: axis, channels: shape[axis], height, width };
}

/** Whether two images in one batch give what each gives alone: training mixes them into one. */
async function checkRowsApart(
  model: Model,
  graph: Graph,
  input: string,
  images: Tensor<'float32'>,
  scores: string,
  classes: number,
): Promise<void> {
  const size = sizeOf(images.shape.slice(1));
  const row = (i: number): Tensor<'float32'> => ({
    type: 'float32',
    shape: [1, ...images.shape.slice(1)],
    data: images.data.slice(i * size, (i + 1) * size),
  });
  const inverted = { ...row(0), data: row(0).data.map((value) => -value) };
  const run = async (x: Tensor) => {
    const feeds = new Map([[input, x]]);
    const specialised: { graph: Graph; facts: Facts } = await model.executor.specialise(graph, feeds);
    const results = await model.executor.run(specialised.graph, feeds, [specialised.graph.outputs[0].name]);
    return (results.get(specialised.graph.outputs[0].name) as Tensor<'float32'>).data;
  };
  const alone = [await run(row(0)), await run(inverted)];
  const together = await run(concatRows([row(0), inverted]));
  const width = together.length / 2;
  for (let i = 0; i < together.length; i++) {
    const single = alone[Math.floor(i / width)][i % width];
    // float32 sums in another order differ in the last digits.
    if (Math.abs(together[i] - single) <= 1e-4 * Math.max(1, Math.abs(single))) continue;
    throw new WhereforeError('unsupported-model', 'no explainer can be trained: images in a batch affect each other', {
      where: `${model.name}, "${scores}", ${classes} classes`,
      got: `${together[i]} in a batch of two, ${single} alone`,
      fix: 'export the model in inference mode with a dynamic batch axis',
    });
  }
}
