// The reference network of digits: 64-24-10 with tanh, 300 rows, 400 steps of all rows.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readNpy } from '../../src/data/formats/npy.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { toNumbers } from '../../src/tensor/convert.ts';
import { random } from '../../src/tensor/random.ts';
import { float32, int64, sizeOf } from '../../src/tensor/tensor.ts';
import {
  activation,
  type Dataset,
  datasetOf,
  linear,
  Network,
  readParameters,
  type TrainOptions,
  withParameters,
} from '../../src/train/index.ts';

/** Training rows and queries of `../shared/reference/influence`. */
export interface Digits {
  readonly rows: Dataset;
  readonly queries: Dataset;
}

export function readDigits(folder: string): Digits {
  const samples = (part: string) => {
    const [x, y] = [`x_${part}.npy`, `y_${part}.npy`].map((name) =>
      readNpy(new Uint8Array(readFileSync(join(folder, name))), name),
    );
    return datasetOf({ x: float32(x.shape, toNumbers(x)) }, { labels: int64(y.shape, toNumbers(y)) });
  };
  return { rows: samples('train'), queries: samples('query') };
}

/** Every weight and bias normal with standard deviation .15, as in the reference. */
export function networkOf(seed: number): OnnxModel {
  const network = new Network({ seed: 0 });
  const x = network.input('x', 'float32', ['N', 64]);
  const hidden = activation(network, linear(network, x, 'hidden', { features: 24 }), 'tanh', 'tanh');
  const model = network.build([linear(network, hidden, 'logits', { features: 10 })]);
  const source = random(seed, 1);
  const drawn = [...readParameters(model, network.trainable)].map(([name, { shape }]) => {
    const values = Float32Array.from({ length: sizeOf(shape) }, () => 0.15 * source.normal());
    return [name, float32(shape, values)] as const;
  });
  return withParameters(model, new Map(drawn));
}

/** How a model of the bench is trained: `sgd:.5`, `adam:.01`, `adam:.01:1e-3` with Adam's ε. */
export function recipeOf(rows: Dataset, runtime: Runtime, name: string, seed: number): TrainOptions {
  const [kind, learningRate, epsilon = 1e-8] = name.split(':').map((part, i) => (i ? Number(part) : part));
  const weightDecay = 1e-3;
  return {
    model: networkOf(seed),
    samples: rows,
    loss: { kind: 'cross-entropy' },
    optimizer:
      kind === 'sgd'
        ? { kind: 'sgd', momentum: 0.9, weightDecay }
        : { kind: 'adam', weightDecay, epsilon: Number(epsilon) },
    schedule: { kind: 'constant', learningRate: Number(learningRate) },
    epochs: 400,
    batchSize: rows.length,
    // A row that is left out changes nothing else: the sum is divided by all rows.
    divisor: 'rows',
    seed,
    runtime,
  };
}
