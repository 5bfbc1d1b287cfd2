import { afterAll, expect, it } from 'vitest';
import type { OnnxModel } from '../../onnx/graph.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { random } from '../../tensor/random.ts';
import { float32, int64, type Tensor } from '../../tensor/tensor.ts';
import type { WeightedBatch } from '../batch.ts';
import { normalWith } from '../initialization.ts';
import { Network } from '../network.ts';
import { openTrainingStep } from '../step.ts';
import {
  activation,
  add,
  averagePool,
  batchNorm,
  convolution,
  decoderBlock,
  embedding,
  globalAveragePool,
  groupNorm,
  layerNorm,
  linear,
  maxPool,
  meanOver,
  positionEmbedding,
  rmsNorm,
  transformerBlock,
} from './index.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const source = random(3);
const normal = (...shape: number[]) =>
  float32(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => source.normal()),
  );

function vision(): OnnxModel {
  const n = new Network({ seed: 2 });
  let x = convolution(n, n.input('x', 'float32', ['N', 3, 8, 8]), 'conv1', { channels: 8, kernel: 3, padding: 1 });
  x = maxPool(n, activation(n, groupNorm(n, x, 'norm1', { groups: 2 }), 'act1', 'silu'), 'pool1', { kernel: 2 });
  const y = convolution(n, x, 'conv2', { channels: 8, kernel: 3, padding: 1, groups: 4, bias: false });
  x = add(n, x, activation(n, batchNorm(n, y, 'norm2'), 'act2', 'gelu'), 'residual');
  x = averagePool(n, convolution(n, x, 'conv3', { channels: 6, kernel: 3, stride: 1 }), 'pool3', { kernel: 2 });
  return n.build([linear(n, globalAveragePool(n, x, 'mean'), 'logits', { features: 3 })]);
}

function signal(): OnnxModel {
  const n = new Network({ seed: 2 });
  const x = convolution(n, n.input('x', 'float32', ['N', 2, 9]), 'conv', { channels: 4, kernel: 3, dilation: 2 });
  return n.build([linear(n, globalAveragePool(n, activation(n, x, 'act', 'elu'), 'mean'), 'logits', { features: 3 })]);
}

function text(): OnnxModel {
  const n = new Network({ seed: 2 });
  let x = embedding(n, n.input('x', 'int64', ['N', 5]), 'token', { count: 11, features: 8 });
  x = transformerBlock(n, positionEmbedding(n, x, 'position'), 'block', { heads: 2, causal: true });
  return n.build([linear(n, meanOver(n, layerNorm(n, x, 'norm'), 'mean', 1), 'logits', { features: 3 })]);
}

function decoder(): OnnxModel {
  const n = new Network({ seed: 2 });
  const x = embedding(n, n.input('x', 'int64', ['N', 5]), 'token', {
    count: 11,
    features: 8,
    initialization: normalWith(1),
  });
  const y = decoderBlock(n, x, 'block', { heads: 2, inner: 12, longest: 9, lookBack: [1] });
  return n.build([linear(n, meanOver(n, rmsNorm(n, y, 'norm'), 'mean', 1), 'logits', { features: 3 })]);
}

const tokens = int64([4, 5], [1, 2, 3, 4, 5, 0, 0, 7, 8, 9, 10, 1, 3, 5, 7, 2, 2, 2, 2, 2]);

const cases: [string, OnnxModel, Tensor][] = [
  ['images', vision(), normal(4, 3, 8, 8)],
  ['signals', signal(), normal(4, 2, 9)],
  ['texts', text(), tokens],
  ['texts as Llama reads them', decoder(), tokens],
];

it.each(cases)('the gradient of a network for %s is the slope of its loss', async (_, model, x) => {
  const batch: WeightedBatch = {
    inputs: new Map([['x', x]]),
    targets: int64([4], [0, 1, 2, 1]),
    weights: Float32Array.of(1, 2, 0.5, 1),
  };
  const step = await openTrainingStep(
    { model, loss: { kind: 'cross-entropy' }, optimizer: { kind: 'sgd' }, runtime },
    batch,
  );
  const { parameters } = step.initial;
  const moved = (direction: ReadonlyMap<string, Float32Array>, by: number) =>
    new Map(
      [...parameters].map(([name, { shape, data }]) => {
        const d = direction.get(name) as Float32Array;
        return [
          name,
          float32(
            shape,
            (data as Float32Array).map((value, i) => value + by * d[i]),
          ),
        ];
      }),
    );
  const lossAt = async (weights: ReadonlyMap<string, Tensor>) => {
    step.restart({ parameters: weights, state: new Map() });
    return (await step.run(batch, 1, 1)).loss;
  };
  await lossAt(parameters);
  const after = (await step.read()).parameters;
  // One parameter at a time, so that a wrong gradient of a small one cannot hide behind a large one.
  for (const [name, { data, shape }] of parameters) {
    const before = data as Float32Array;
    // With plain gradient descent at rate 1 the gradient is the step taken, reversed.
    const gradient = before.map((value, i) => value - ((after.get(name) as Tensor).data as Float32Array)[i]);
    const direction = new Map([...parameters].map(([other, t]) => [other, new Float32Array(t.data.length)]));
    const length = Math.hypot(...gradient);
    direction.set(name, length > 0 ? gradient.map((value) => value / length) : gradient);
    const epsilon = 5e-3;
    const slope =
      ((await lossAt(moved(direction, epsilon))) - (await lossAt(moved(direction, -epsilon)))) / (2 * epsilon);
    expect(length, `${name} ${shape}`).toBeGreaterThan(1e-6);
    // float32 losses are good to 1e-7, divided by 2ε = .01; ε² curvature adds to it.
    expect(Math.abs(slope - length), name).toBeLessThan(1e-4 + 5e-3 * length);
  }
  await step.close();
});
