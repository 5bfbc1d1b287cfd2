// The networks of the benches of influence, trained by the project.

import { datasetOf } from '../../src/dataset/in-memory.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { int64, rows as rowsOf, type Tensor } from '../../src/tensor/tensor.ts';
import { activation, convolution, flatten, linear, maxPool } from '../../src/train/layers/index.ts';
import { Network } from '../../src/train/network.ts';
import { train } from '../../src/train/train.ts';
import type { Images } from './data.ts';

/** A multilayer perceptron, or a CNN of about 100 k parameters (conv 16, conv 32, 64, classes). Outputs: logits and the last hidden layer. */
export function network(kind: 'mlp' | 'cnn', { x, classes }: Images, seed: number): OnnxModel {
  const build = new Network({ seed });
  let value = build.input('image', 'float32', ['N', ...x.shape.slice(1)]);
  if (kind === 'cnn') {
    for (const [i, channels] of [16, 32].entries()) {
      const mapped = convolution(build, value, `conv${i}`, { channels, kernel: 3, padding: 1 });
      value = maxPool(build, activation(build, mapped, `conv${i}.active`, 'relu'), `conv${i}.pool`, { kernel: 2 });
    }
  }
  const hidden = linear(build, flatten(build, value, 'flat'), 'hidden', { features: 64 });
  const active = activation(build, hidden, 'hidden.active', 'relu');
  return build.build([linear(build, active, 'logits', { features: classes }), active]);
}

export async function trained(
  kind: 'mlp' | 'cnn',
  images: Images,
  labels: Int32Array,
  epochs: number,
  seed: number,
  runtime: Runtime,
): Promise<OnnxModel> {
  const { model } = await train({
    model: network(kind, images, seed),
    samples: datasetOf({ image: images.x }, { labels: int64([labels.length], labels) }),
    loss: { kind: 'cross-entropy' },
    optimizer: { kind: 'adam' },
    schedule: { kind: 'constant', learningRate: 1e-3 },
    epochs,
    batchSize: 64,
    seed,
    runtime,
  });
  return model;
}

/** Probabilities and the last hidden layer of every row. */
export async function represented(model: OnnxModel, { x, classes }: Images, runtime: Runtime) {
  const session = await runtime.open(model);
  const [logits, hidden] = model.graph.outputs.map(({ name }) => name);
  const count = x.shape[0];
  const probabilities = new Float32Array(count * classes);
  let embeddings = new Float32Array();
  for (let first = 0; first < count; first += 256) {
    const batch = rowsOf(x, first, Math.min(count, first + 256));
    const out = await session.run(new Map([['image', batch]]), [logits, hidden]);
    const z = (out.get(logits) as Tensor<'float32'>).data;
    const h = out.get(hidden) as Tensor<'float32'>;
    if (embeddings.length === 0) embeddings = new Float32Array(count * h.shape[1]);
    embeddings.set(h.data, first * h.shape[1]);
    for (let i = 0; i < batch.shape[0]; i++)
      softmaxInto(z.subarray(i * classes, (i + 1) * classes), probabilities, (first + i) * classes);
  }
  await session.release();
  return {
    probabilities: { rows: count, columns: classes, data: probabilities },
    embeddings: { rows: count, columns: embeddings.length / count, data: embeddings },
  };
}

function softmaxInto(scores: Float32Array, to: Float32Array, at: number): void {
  let [most, sum] = [Number.NEGATIVE_INFINITY, 0];
  for (const score of scores) most = Math.max(most, score);
  for (const score of scores) sum += Math.exp(score - most);
  for (let k = 0; k < scores.length; k++) to[at + k] = Math.exp(scores[k] - most) / sum;
}
