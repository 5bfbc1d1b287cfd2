import type { OnnxModel } from '../src/onnx/graph.ts';
import type { Runtime } from '../src/runtime/runtime.ts';
import { random } from '../src/tensor/random.ts';
import { float32, int64, type Tensor } from '../src/tensor/tensor.ts';
import {
  activation,
  convolution,
  datasetOf,
  globalAveragePool,
  linear,
  maxPool,
  Network,
  train,
  type Value,
} from '../src/train/index.ts';

/** Rows and columns of a toy image, and of the patch in it. */
export const toySide = 16;
export const toyPatch = 6;

/**
 * A grey with noise, and one patch of horizontal stripes, vertical stripes or squares: the class is the pattern. Class 3 is
 * noise alone, so that an image without a patch is not taken for one of the patterns.
 */
export interface ToyImages {
  /** `[N, 1, 16, 16]`. */
  readonly images: Tensor<'float32'>;
  readonly labels: Tensor<'int64'>;
  /** 1 where the patch lies, `[N, 16 · 16]`; 0 everywhere for class 3. */
  readonly patches: readonly Float32Array[];
}

export function toyImages(count: number, seed: number, classes = 4): ToyImages {
  const plane = toySide * toySide;
  const values = new Float32Array(count * plane);
  const labels = new BigInt64Array(count);
  const patches: Float32Array[] = [];
  for (let n = 0; n < count; n++) {
    const source = random(seed, n + 1);
    const label = source.integer(classes);
    const [top, left] = [source.integer(toySide - toyPatch + 1), source.integer(toySide - toyPatch + 1)];
    const patch = new Float32Array(plane);
    const grey = 3 * source.uniform() - 1.5;
    labels[n] = BigInt(label);
    for (let i = 0; i < plane; i++) {
      const [row, column] = [Math.floor(i / toySide) - top, (i % toySide) - left];
      const inside = label < 3 && row >= 0 && row < toyPatch && column >= 0 && column < toyPatch;
      const bits = [row >> 1, column >> 1, (row >> 1) + (column >> 1)][label];
      values[n * plane + i] = 0.3 * source.normal() + (inside ? (bits % 2 ? -2 : 2) : grey);
      if (inside) patch[i] = 1;
    }
    patches.push(patch);
  }
  return {
    images: float32([count, 1, toySide, toySide], values),
    labels: int64([count], labels),
    patches,
  };
}

/** A small convolutional classifier of toy images, untrained. */
export function toyNetwork(seed: number): OnnxModel {
  const network = new Network({ name: 'toy', seed });
  let x: Value = network.input('image', 'float32', ['N', 1, toySide, toySide]);
  x = activation(network, convolution(network, x, 'conv1', { channels: 8, kernel: 3, padding: 1 }), 'relu1', 'relu');
  x = activation(network, convolution(network, x, 'conv2', { channels: 12, kernel: 3, padding: 1 }), 'relu2', 'relu');
  x = maxPool(network, x, 'pool2', { kernel: 2 });
  x = activation(network, convolution(network, x, 'conv3', { channels: 16, kernel: 3, padding: 1 }), 'relu3', 'relu');
  return network.build([linear(network, globalAveragePool(network, x, 'mean'), 'logits', { features: 4 })]);
}

/** The classifier, trained until it is nearly always right. */
export async function trainedToy(runtime: Runtime): Promise<OnnxModel> {
  const { images, labels } = toyImages(384, 1);
  const { model } = await train({
    model: toyNetwork(1),
    samples: datasetOf({ image: images }, { labels }),
    loss: { kind: 'cross-entropy' },
    optimizer: { kind: 'adamw', weightDecay: 1e-2 },
    schedule: { kind: 'cosine', learningRate: 1e-2 },
    epochs: 12,
    batchSize: 32,
    seed: 1,
    runtime,
  });
  return model;
}
