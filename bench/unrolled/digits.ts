// The reference network of digits: 64-24-10 with tanh, 300 rows, 400 steps of all rows.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readNpy } from '../../src/data/formats/npy.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { toNumbers } from '../../src/tensor/convert.ts';
import { float32, int64 } from '../../src/tensor/tensor.ts';
import {
  activation,
  linear,
  Network,
  normalWith,
  type Samples,
  samplesInMemory,
  type TrainOptions,
} from '../../src/train/index.ts';

/** Training rows and queries of `../shared/reference/influence`. */
export interface Digits {
  readonly rows: Samples;
  readonly queries: Samples;
}

export function readDigits(folder: string): Digits {
  const samples = (part: string) => {
    const [x, y] = [`x_${part}.npy`, `y_${part}.npy`].map((name) =>
      readNpy(new Uint8Array(readFileSync(join(folder, name))), name),
    );
    return samplesInMemory(new Map([['x', float32(x.shape, toNumbers(x))]]), int64(y.shape, toNumbers(y)));
  };
  return { rows: samples('train'), queries: samples('query') };
}

/** Weights normal with standard deviation .15, biases 0. */
export function networkOf(seed: number): OnnxModel {
  const network = new Network({ seed });
  const initialization = normalWith(0.15);
  const x = network.input('x', 'float32', ['N', 64]);
  const inner = linear(network, x, 'hidden', { features: 24, initialization });
  const hidden = activation(network, inner, 'tanh', 'tanh');
  return network.build([linear(network, hidden, 'logits', { features: 10, initialization })]);
}

/** How the reference was trained: divided by all rows, so that a row that is left out changes nothing else. */
export function recipeOf(
  rows: Samples,
  runtime: Runtime,
  optimizer: 'sgd' | 'adam',
  learningRate: number,
): TrainOptions {
  return {
    model: networkOf(0),
    samples: rows,
    loss: { kind: 'cross-entropy' },
    optimizer:
      optimizer === 'sgd' ? { kind: 'sgd', momentum: 0.9, weightDecay: 1e-3 } : { kind: 'adam', weightDecay: 1e-3 },
    schedule: { kind: 'constant', learningRate },
    epochs: 400,
    batchSize: rows.count,
    divisor: 'rows',
    seed: 0,
    runtime,
  };
}
