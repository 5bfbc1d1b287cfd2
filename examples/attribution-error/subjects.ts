import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Baseline } from '../../src/attribution/baseline.ts';
import type { Target } from '../../src/attribution/targets/kinds/index.ts';
import { classes, side } from '../../src/cli/demo/drawing/draw.ts';
import { readModelInputs } from '../../src/data/inputs/read-model-input.ts';
import { loadModel } from '../../src/data/model/load-model.ts';
import { completePreprocessing } from '../../src/data/model/preprocessing-text.ts';
import type { Model } from '../../src/runtime/model.ts';
import type { Runtime, Tensors } from '../../src/runtime/runtime.ts';
import { toNumbers } from '../../src/tensor/convert.ts';
import { float32, type Tensor } from '../../src/tensor/tensor.ts';
import { drawAll, imageTensor, testImages } from '../demo/images.ts';
import { type Subject, tiles } from './question.ts';
import { trainResidual } from './residual-network.ts';

/** The class that the model says of each input. */
export async function predicted(model: Model, inputs: readonly Tensors[]): Promise<Target[]> {
  const output = model.graph.outputs[0].name;
  const targets: Target[] = [];
  for (const feeds of inputs) {
    const results = await model.executor.run(model.graph, feeds, [output]);
    const scores = toNumbers(results.get(output) as Tensor);
    targets.push({ kind: 'classLogit', class: scores.indexOf(Math.max(...scores)) });
  }
  return targets;
}

const layout = { channelAxis: 1, spatialAxes: [2, 3] };
const given = (tensor: Tensor, description: string): Baseline => ({ kind: 'input', tensor, description });

/** Images of the demo that no network was trained on, all classes in turn, and a black one. */
async function demoInputs(count: number): Promise<Pick<Subject, 'inputs' | 'baseline' | 'layout'>> {
  // Seeds far from those of training and of the demo's own measurements.
  const perClass = Math.ceil(count / classes.length);
  const images = testImages(perClass, 500_000);
  const inTurn = images.map((_, i) => images[(i % classes.length) * perClass + Math.floor(i / classes.length)]);
  const drawn = await drawAll(inTurn.slice(0, count));
  const black = new Float32Array(3 * side * side).fill(-1);
  return {
    inputs: drawn.map((bytes) => new Map([['image', imageTensor([bytes])]])),
    baseline: given(float32([1, 3, side, side], black), 'a black image'),
    layout,
  };
}

/** The demo's own network and images that it was not trained on. */
export async function demoSubject(root: string, runtime: Runtime, count: number): Promise<Subject> {
  const model = await loadModel(join(root, 'examples/demo/model/shapes.onnx'), { runtime });
  const asked = await demoInputs(count);
  return {
    title: 'The demo network',
    description: `${count} held-out images, the logit of the class that the model says, a black image as the baseline.`,
    model,
    input: 'image',
    ...asked,
    targets: await predicted(model, asked.inputs),
    layers: [
      { title: 'input', name: 'image', groups: tiles(96) },
      { title: 'conv1', name: layerNamed(model, 'conv1.relu'), groups: tiles(48) },
      { title: 'conv2', name: layerNamed(model, 'conv2.relu'), groups: tiles(48) },
      { title: 'conv3', name: layerNamed(model, 'conv3.relu'), groups: tiles(24) },
    ],
    perturbs: true,
    costly: count,
  };
}

function layerNamed(model: Model, part: string): string {
  const names = model.graph.nodes.flatMap(({ outputs }) => outputs);
  return names.find((name) => name === part) ?? (names.find((name) => name.startsWith(part)) as string);
}

/** SqueezeNet 1.1 of the shared data, where that is present. */
export async function squeezeNetSubject(data: string, runtime: Runtime): Promise<Subject | undefined> {
  const file = join(data, 'squeezenet/squeezenet-fp32.onnx');
  if (!existsSync(file)) return undefined;
  const model = await loadModel(file, { runtime });
  const preprocessing = completePreprocessing({
    task: 'classification',
    inputs: {
      data_0: { kind: 'image', size: [224, 224], colour: 'BGR', range: [0, 255], mean: [103.939, 116.779, 123.68] },
    },
    outputs: { softmaxout_1: { kind: 'probabilities' } },
  });
  const photographs: Tensor<'float32'>[] = [];
  for (const image of images) {
    const [read] = await readModelInputs(model, join(data, image), preprocessing);
    photographs.push([...read.tensors.values()][0] as Tensor<'float32'>);
  }
  // As they are first, so that methods measured on few inputs see photographs that nobody turned.
  const tensors = [...photographs, ...photographs.map(mirrored), ...photographs.map(enlarged)];
  const input = model.graph.inputs[0].name;
  const inputs = tensors.map((tensor) => new Map([[input, tensor]]));
  const plane = 224 * 224;
  return {
    title: 'SqueezeNet 1.1',
    description: `${photographs.length} photographs, each as it is, mirrored and enlarged: ${inputs.length} inputs; the logit of the predicted class, a black image as the baseline.`,
    model,
    input,
    inputs,
    layout,
    targets: await predicted(model, inputs),
    baseline: given(
      float32(
        [1, 3, 224, 224],
        Float32Array.from({ length: 3 * plane }, (_, i) => black[Math.floor(i / plane)]),
      ),
      'a black image',
    ),
    layers: squeezeNetLayers(model, input),
    perturbs: false,
    costly: 4,
  };
}

const images = [
  'squeezenet/kitten_224.png',
  'squeezenet/fish.png',
  'photos/both.png',
  'photos/dogs.png',
  'photos/horses.jpg',
  'photos/puppies.jpg',
  'photos/clip_dog.jpg',
];

/** Black in the model's units: minus the mean of each channel, blue first. */
const black = [-103.939, -116.779, -123.68];

/** After the first pool, in the middle and the last fire module. */
function squeezeNetLayers(model: Model, input: string): Subject['layers'] {
  const concatenations = model.graph.nodes.filter(({ op }) => op === 'Concat').map(({ outputs }) => outputs[0]);
  const first = model.graph.nodes.find(({ op }) => op === 'MaxPool')?.outputs[0] as string;
  return [
    { title: 'input', name: input, groups: tiles(224) },
    { title: 'pool1', name: first, groups: tiles(55) },
    { title: 'fire4', name: concatenations[2], groups: tiles(27) },
    { title: 'fire8', name: concatenations[6], groups: tiles(13) },
  ];
}

/** Left and right exchanged. */
const mirrored = (image: Tensor<'float32'>) => moved(image, (row, column, side) => row * side + (side - 1 - column));

/** The middle of an image, four fifths a side, by the nearest pixel. */
const enlarged = (image: Tensor<'float32'>) =>
  moved(image, (row, column, side) => {
    const at = (place: number) => Math.floor(side / 10 + 0.8 * place);
    return at(row) * side + at(column);
  });

function moved(
  { shape, data }: Tensor<'float32'>,
  from: (row: number, column: number, side: number) => number,
): Tensor<'float32'> {
  const side = shape[3];
  const plane = side * side;
  const values = Float32Array.from({ length: data.length }, (_, i) => {
    const place = i % plane;
    return data[i - place + from(Math.floor(place / side), place % side, side)];
  });
  return float32(shape, values);
}

/** A ResNet of the demo's images: skip connections inside its blocks, cuts between them. Trained where it is missing. */
export async function residualSubject(folder: string, runtime: Runtime, count: number): Promise<Subject> {
  const path = join(folder, 'residual.onnx');
  if (!existsSync(path)) {
    console.log('training a ResNet');
    await trainResidual(path, runtime);
  }
  const model = await loadModel(path, { runtime });
  const asked = await demoInputs(count);
  const ends = [1, 2, 3].map((stage) => ({
    title: `stage${stage}`,
    name: `stage${stage}.block2`,
    groups: tiles(48 / 2 ** stage),
  }));
  return {
    title: 'A ResNet of basic blocks',
    description: `Six blocks, trained by the run on ${classes.length} classes of drawn images. ${count} held-out images, the logit of the class that the model says, a black image as the baseline.`,
    model,
    input: 'image',
    ...asked,
    targets: await predicted(model, asked.inputs),
    layers: [{ title: 'input', name: 'image', groups: tiles(96) }, ...ends],
    perturbs: true,
    costly: 16,
  };
}
