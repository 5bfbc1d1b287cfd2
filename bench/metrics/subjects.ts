import { existsSync, readFileSync } from 'node:fs';
import { drawAll, imageTensor, testImages } from '../../examples/demo/images.ts';
import { readIdx } from '../../src/data/formats/idx.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import { createNodeRuntime } from '../../src/runtime/node.ts';
import { random } from '../../src/tensor/random.ts';
import { float32, int64, type Tensor } from '../../src/tensor/tensor.ts';
import {
  activation,
  convolution,
  datasetOf,
  flatten,
  linear,
  maxPool,
  Network,
  train,
  type Value,
} from '../../src/train/index.ts';
import { resnet18 } from '../nets.ts';

/** A classifier with inputs whose explanations are scored. */
export interface Subject {
  readonly title: string;
  /** The network of the same name in `metrics_peer.py`. */
  readonly net: string;
  readonly input: string;
  readonly bytes: Uint8Array;
  /** [N, C, H, W]. */
  readonly inputs: Tensor<'float32'>;
  /** Rounds of the batched ways; one by one takes a third of them. */
  readonly rounds: number;
}

/** LeNet-5 with ReLU and max pooling (after LeCun et al. 1998), trained here on Fashion-MNIST for two epochs. */
export async function lenet(folder: string, count: number): Promise<Subject | undefined> {
  if (!existsSync(`${folder}/t10k-images-idx3-ubyte.gz`)) return undefined;
  const read = (name: string) => readIdx(readFileSync(`${folder}/${name}`), name);
  const [pixels, labels] = [read('t10k-images-idx3-ubyte.gz'), read('t10k-labels-idx1-ubyte.gz')];
  const images = (from: number, to: number) =>
    float32(
      [to - from, 1, 28, 28],
      Float32Array.from((pixels.data as Uint8Array).subarray(from * 784, to * 784), (value) => value / 127.5 - 1),
    );
  const classes = Array.from((labels.data as Uint8Array).subarray(1000, 9000));
  const runtime = createNodeRuntime({ threads: 2 });
  try {
    const { model } = await train({
      model: lenetNetwork(),
      samples: datasetOf({ image: images(1000, 9000) }, { labels: int64([8000], classes) }),
      loss: { kind: 'cross-entropy' },
      optimizer: { kind: 'adamw', weightDecay: 1e-2 },
      schedule: { kind: 'cosine', learningRate: 4e-3, warmUp: 20 },
      epochs: 2,
      batchSize: 64,
      seed: 1,
      runtime,
    });
    const bytes = encodeModel(model);
    const title = 'LeNet-5, 28×28';
    return { title, net: 'lenet', input: 'image', bytes, inputs: images(0, count), rounds: 9 };
  } finally {
    await runtime.close();
  }
}

function lenetNetwork(): OnnxModel {
  const network = new Network({ name: 'lenet', seed: 1 });
  let x: Value = network.input('image', 'float32', ['N', 1, 28, 28]);
  for (const [name, channels, padding] of [
    ['conv1', 6, 2],
    ['conv2', 16, 0],
  ] as const) {
    x = convolution(network, x, name, { channels, kernel: 5, padding });
    x = maxPool(network, activation(network, x, `${name}.relu`, 'relu'), `${name}.pool`, { kernel: 2 });
  }
  x = flatten(network, x, 'flat');
  for (const [name, features] of [
    ['fc1', 120],
    ['fc2', 84],
  ] as const) {
    x = activation(network, linear(network, x, name, { features }), `${name}.relu`, 'relu');
  }
  return network.build([linear(network, x, 'logits', { features: 10 })]);
}

/** The network of the demo on images that it draws, 96 × 96. */
export async function shapes(count: number): Promise<Subject> {
  const all = imageTensor(await drawAll(testImages(Math.ceil(count / 6), 900_000)));
  return {
    title: 'demo network, 96×96',
    net: 'shapes',
    input: 'image',
    bytes: readFileSync('examples/demo/model/shapes.onnx'),
    inputs: float32([count, 3, 96, 96], all.data.slice(0, count * 3 * 96 * 96)),
    rounds: 3,
  };
}

/** ResNet-18 with random weights on smooth random images, 224 × 224. */
export function resnet(count: number): Subject {
  const side = 224;
  const source = random(4);
  const values = new Float32Array(count * 3 * side * side);
  for (let plane = 0; plane < 3 * count; plane++) {
    const [a, b, c] = [source.normal() / 20, source.normal() / 20, 6 * source.uniform()];
    for (let i = 0; i < side * side; i++)
      values[plane * side * side + i] = Math.sin(a * (i % side) + b * Math.floor(i / side) + c);
  }
  const bytes = encodeModel(resnet18(1).model);
  const title = 'ResNet-18, 224×224';
  const inputs = float32([count, 3, side, side], values);
  return { title, net: 'resnet18', input: 'x', bytes, inputs, rounds: 3 };
}
