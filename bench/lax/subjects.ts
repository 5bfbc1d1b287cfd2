import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { drawAll, imageTensor, testImages, trainingImages } from '../../examples/demo/images.ts';
import { writeAtomically } from '../../src/data/files/files.ts';
import { readBytes } from '../../src/data/files/read-file.ts';
import { readIdx } from '../../src/data/formats/idx.ts';
import { loadModel } from '../../src/data/model/load-model.ts';
import type { Dataset } from '../../src/dataset/dataset.ts';
import { defineDataset } from '../../src/dataset/define-dataset.ts';
import { datasetOf } from '../../src/dataset/in-memory.ts';
import type { LaxOptions } from '../../src/explainer/index.ts';
import { decodeModel } from '../../src/onnx/decode.ts';
import { encodeModel } from '../../src/onnx/encode.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import { createModel, type Model } from '../../src/runtime/model.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { float32, int64, type Tensor } from '../../src/tensor/tensor.ts';
import {
  activation,
  convolution,
  evaluateLoss,
  globalAveragePool,
  linear,
  maxPool,
  Network,
  train,
  type Value,
} from '../../src/train/index.ts';

/** A classifier with unlabelled images to train an explainer on and others to judge it by. */
export interface Subject {
  readonly title: string;
  readonly model: Model;
  readonly input: string;
  readonly unlabelled: Dataset;
  /** Unlabelled images as references to draw on. */
  readonly pool: Tensor<'float32'>;
  /** Images that nothing is trained on; settings and references are chosen by them. */
  readonly calibration: Tensor<'float32'>;
  /** Images that are only reported on. */
  readonly heldOut: Tensor<'float32'>;
  /** Layer for the methods that explain a convolutional one. */
  readonly spatialLayer: string;
  readonly settings: LaxOptions;
}

/** As many images from every part of a batch. */
function strided({ shape, data }: Tensor<'float32'>, count: number): Tensor<'float32'> {
  const size = data.length / shape[0];
  const values = new Float32Array(count * size);
  for (let i = 0; i < count; i++) {
    const from = Math.floor((i * shape[0]) / count) * size;
    values.set(data.subarray(from, from + size), i * size);
  }
  return float32([count, ...shape.slice(1)], values);
}

/** Images of the demo of every class in turn. */
async function drawnInTurn(count: number, seed: number): Promise<Tensor<'float32'>> {
  const all = testImages(Math.ceil(count / 6), seed);
  const order = all.map((_, i) => all[(i % 6) * (all.length / 6) + Math.floor(i / 6)]).slice(0, count);
  return imageTensor(await drawAll(order));
}

/** Images for choosing references and settings by. */
const calibrated = 240;

/** The network of the demo on its drawn images, 96 × 96. */
export async function demo(runtime: Runtime, count: number, seed: number): Promise<Subject> {
  const model = await loadModel('examples/demo/model/shapes.onnx', { runtime });
  // Every fish but a few has its watermark in the first half, none in the second.
  const drawn = await drawAll([...trainingImages(450, 700_000), ...testImages(450, 750_000)]);
  return {
    title: 'demo network, drawn images 96×96',
    model,
    input: 'image',
    // Kept as bytes: as floats they take four times the room.
    unlabelled: defineDataset({
      name: 'drawn images',
      length: drawn.length,
      inputs: async (indices) => ({ image: imageTensor(Array.from(indices, (i) => drawn[i])) }),
    }),
    // Drawn apart, so that the judge does not change with the number of images to train on.
    pool: strided(imageTensor(await drawAll(trainingImages(200, 700_000))), 240),
    calibration: await drawnInTurn(calibrated, 800_000),
    heldOut: await drawnInTurn(count, 1_300_000),
    spatialLayer: 'conv4.relu',
    settings: {
      epochs: 2,
      batchSize: 16,
      channels: 16,
      learningRate: 1e-2,
      ranking: 12,
      rankingNecessity: 1.5,
      // Half of the references are images.
      references: ['image', 'image', 'image', 'mean', 'noise', 'colour'],
      seed,
    },
  };
}

interface FashionOptions {
  /** Held-out images. */
  readonly count: number;
  /** Of the classifier and of the explainer. */
  readonly seed: number;
  /** The IDX files. */
  readonly folder: string;
  /** Where the classifier is kept, and taken from. */
  readonly kept: string | undefined;
  readonly say: (text: string) => void;
}

/** A small network trained here on Fashion-MNIST, 28 × 28. */
export async function fashion(runtime: Runtime, { count, seed, folder, kept, say }: FashionOptions): Promise<Subject> {
  const read = async (name: string) => readIdx(await readBytes(`${folder}/${name}`, 'tensors'), name);
  const [images, labels] = [await read('train-images-idx3-ubyte.gz'), await read('train-labels-idx1-ubyte.gz')];
  const [testPixels, testLabels] = [await read('t10k-images-idx3-ubyte.gz'), await read('t10k-labels-idx1-ubyte.gz')];
  const some = (images: Tensor, from: number, to: number) =>
    float32(
      [to - from, 1, 28, 28],
      Float32Array.from((images.data as Uint8Array).subarray(from * 784, to * 784), (value) => value / 127.5 - 1),
    );
  const classesOf = (all: Tensor, from: number, to: number) =>
    int64([to - from], Array.from((all.data as Uint8Array).subarray(from, to)));
  const trained = 12_000;
  const bytes = kept === undefined ? undefined : await readFile(kept).catch(() => undefined);
  const onnx =
    (bytes && decodeModel(bytes)) ??
    (
      await train({
        model: fashionNetwork(seed),
        samples: datasetOf({ image: some(images, 0, trained) }, { labels: classesOf(labels, 0, trained) }),
        loss: { kind: 'cross-entropy' },
        optimizer: { kind: 'adamw', weightDecay: 1e-2 },
        schedule: { kind: 'cosine', learningRate: 4e-3, warmUp: 20 },
        epochs: 5,
        batchSize: 64,
        seed,
        runtime,
      })
    ).model;
  const held = datasetOf({ image: some(testPixels, 0, 2000) }, { labels: classesOf(testLabels, 0, 2000) });
  const { accuracy } = await evaluateLoss({ model: onnx, samples: held, loss: { kind: 'cross-entropy' }, runtime });
  say(`Fashion-MNIST classifier: accuracy ${accuracy?.toFixed(3)} on 2000 test images`);
  if (kept && !bytes) await writeAtomically(kept, encodeModel(onnx));
  const hash = createHash('sha256').update(encodeModel(onnx)).digest('hex');
  const unlabelled = some(images, trained, trained + 4000);
  return {
    title: 'Fashion-MNIST classifier trained here, 28×28',
    model: createModel(onnx, runtime, { name: 'fashion.onnx', hash }),
    input: 'image',
    unlabelled: datasetOf({ image: unlabelled }),
    pool: strided(unlabelled, 240),
    calibration: some(images, 58_000, 58_000 + calibrated),
    heldOut: some(testPixels, 6000, 6000 + count),
    spatialLayer: 'conv4.relu',
    settings: {
      epochs: 12,
      batchSize: 32,
      channels: 16,
      learningRate: 5e-3,
      minimality: 1.5,
      references: ['mean', 'noise', 'colour', 'image'],
      seed,
    },
  };
}

function fashionNetwork(seed: number): OnnxModel {
  const network = new Network({ name: 'fashion', seed });
  let x: Value = network.input('image', 'float32', ['N', 1, 28, 28]);
  [16, 24, 40, 64].forEach((channels, i) => {
    const name = `conv${i + 1}`;
    x = activation(network, convolution(network, x, name, { channels, kernel: 3, padding: 1 }), `${name}.relu`, 'relu');
    if (i === 1 || i === 2) x = maxPool(network, x, `pool${i}`, { kernel: 2 });
  });
  return network.build([linear(network, globalAveragePool(network, x, 'mean'), 'logits', { features: 10 })]);
}
