import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Target } from '../../src/attribution/target.ts';
import { loadModel } from '../../src/data/load-model.ts';
import { readModelInputs } from '../../src/data/model-input.ts';
import { completePreprocessing } from '../../src/data/preprocessing-file.ts';
import type { Model } from '../../src/runtime/model.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { toNumbers } from '../../src/tensor/convert.ts';
import { normals, random } from '../../src/tensor/random.ts';
import { float32, sizeOf, type Tensor } from '../../src/tensor/tensor.ts';
import { classes } from '../demo/draw.ts';
import { drawAll, imageTensor, testPictures } from '../demo/pictures.ts';
import type { Subject } from './question.ts';

/** The class that the model says of each input. */
async function predicted(model: Model, input: string, inputs: readonly Tensor<'float32'>[]): Promise<Target[]> {
  const output = model.graph.outputs[0].name;
  const targets: Target[] = [];
  for (const tensor of inputs) {
    const results = await model.executor.run(model.graph, new Map([[input, tensor]]), [output]);
    const scores = toNumbers(results.get(output) as Tensor);
    targets.push({ kind: 'classLogit', class: scores.indexOf(Math.max(...scores)) });
  }
  return targets;
}

/** The demo's own network and pictures that it was not trained on. */
export async function demoSubject(root: string, runtime: Runtime, count: number): Promise<Subject> {
  const model = await loadModel(join(root, 'examples/demo/model/shapes.onnx'), { runtime });
  // Seeds far from those of training and of the demo's own measurements.
  const pictures = testPictures(Math.ceil(count / classes.length), 500_000).slice(0, count);
  const drawn = await drawAll(pictures);
  const inputs = drawn.map((bytes) => imageTensor([bytes]));
  return {
    title: 'The demo network',
    description: `${count} held-out pictures, the logit of the class that the model says, a black picture as the baseline.`,
    model,
    input: 'image',
    inputs,
    targets: await predicted(model, 'image', inputs),
    baseline: float32([1, 3, 96, 96], new Float32Array(3 * 96 * 96).fill(-1)),
    layers: [
      { title: 'input', name: 'image', side: 96 },
      { title: 'conv1', name: layerNamed(model, 'conv1.relu'), side: 48 },
      { title: 'conv2', name: layerNamed(model, 'conv2.relu'), side: 48 },
      { title: 'conv3', name: layerNamed(model, 'conv3.relu'), side: 24 },
    ],
    perturbs: true,
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
  const inputs: Tensor<'float32'>[] = [];
  for (const picture of pictures) {
    const [read] = await readModelInputs(model, join(data, picture), preprocessing);
    inputs.push([...read.tensors.values()][0] as Tensor<'float32'>);
  }
  const input = model.graph.inputs[0].name;
  const plane = 224 * 224;
  return {
    title: 'SqueezeNet 1.1',
    description: `${inputs.length} photographs, the logit of the predicted class, a black picture as the baseline.`,
    model,
    input,
    inputs,
    targets: await predicted(model, input, inputs),
    baseline: float32(
      [1, 3, 224, 224],
      Float32Array.from({ length: 3 * plane }, (_, i) => black[Math.floor(i / plane)]),
    ),
    layers: squeezeNetLayers(model, input),
    perturbs: false,
  };
}

const pictures = [
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
    { title: 'input', name: input, side: 224 },
    { title: 'pool1', name: first, side: 55 },
    { title: 'fire4', name: concatenations[2], side: 27 },
    { title: 'fire8', name: concatenations[6], side: 13 },
  ];
}

/** A small ResNet with random weights: skip connections inside its blocks, cuts between them. */
export async function residualSubject(root: string, runtime: Runtime, count: number): Promise<Subject> {
  const folder = join(root, 'test/fixtures');
  const model = await loadModel(join(folder, 'architectures/resnet-basic.script.onnx'), { runtime });
  const fixtures: readonly { network: string; input: string; layer: string }[] = JSON.parse(
    readFileSync(join(folder, 'attribution/index.json'), 'utf8'),
  );
  const { input, layer } = fixtures.find(({ network }) =>
    network.startsWith('resnet-basic'),
  ) as (typeof fixtures)[number];
  const source = random(1);
  const draw = () => float32([1, 3, 40, 40], normals(sizeOf([3, 40, 40]), source));
  const inputs = Array.from({ length: count }, draw);
  return {
    title: 'A ResNet of basic blocks, random weights',
    description: `${count} inputs of normal noise, the logit of the predicted class, zero as the baseline.`,
    model,
    input,
    inputs,
    targets: await predicted(model, input, inputs),
    baseline: float32([1, 3, 40, 40], new Float32Array(3 * 1600)),
    layers: [
      { title: 'input', name: input, side: 40 },
      ...['layer1', 'layer2', 'layer3'].map((title) => ({ title, name: layer.replaceAll('layer2', title), side: 10 })),
    ],
    perturbs: false,
  };
}
