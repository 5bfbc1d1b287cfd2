import { afterAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../onnx/builder.ts';
import type { OnnxModel } from '../onnx/graph.ts';
import { gradientsOf } from '../runtime/gradient.ts';
import { createModel } from '../runtime/model.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { float32, int64, type Tensor } from '../tensor/tensor.ts';
import { bestPixels, standardised } from './ranking.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const builder = new GraphBuilder();
builder.input('values', 'float32', ['N', 1, 2, 3]);
builder.input('count', 'int64', ['N', 1]);
builder.op('Identity', [bestPixels(builder, 'values', 'count')], {}, { outputs: ['best'] });
builder.output('best', 'float32', ['N', 1, 2, 3]);
const onnx: OnnxModel = {
  irVersion: 9,
  producer: 'test',
  opsets: new Map([['', 20]]),
  graph: builder.build(),
  functions: [],
  metadata: new Map(),
};
const model = createModel(onnx, runtime, { name: 'ranking.onnx', hash: '' });
const values = [3, -1, 0.5, 0.25, 7, -4];
const inputs = new Map<string, Tensor>([
  ['values', float32([2, 1, 2, 3], [...values, ...values.map((value) => -value)])],
  ['count', int64([2, 1], [2, 1])],
]);

describe('standardised logits', () => {
  it('keep their order, have mean 0 and deviation 2 in every image, and forget their scale', async () => {
    const own = new GraphBuilder();
    own.input('logits', 'float32', ['N', 1, 2, 3]);
    own.output(standardised(own, 'logits'), 'float32', undefined);
    const graph = own.build();
    const run = async (factor: number) => {
      const logits = float32(
        [1, 1, 2, 3],
        values.map((value) => factor * value),
      );
      const results = await model.executor.run(graph, new Map([['logits', logits]]), [graph.outputs[0].name]);
      return Array.from((results.get(graph.outputs[0].name) as Tensor<'float32'>).data);
    };
    const mean = values.reduce((sum, value) => sum + value) / values.length;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
    for (const factor of [1, 100]) {
      // ε = 1e-5 beside a variance of 12.
      (await run(factor)).forEach((value, i) => {
        expect(value).toBeCloseTo((2 * (values[i] - mean)) / deviation, 4);
      });
    }
  });
});

describe('the best pixels', () => {
  it('are as many as each image asks for, the largest ones', async () => {
    const results = await model.executor.run(model.graph, inputs, ['best']);
    const best = Array.from((results.get('best') as Tensor<'float32'>).data, Number);
    // Within the rounding that stops the gradient, 2⁻²¹.
    [1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1].forEach((expected, i) => {
      expect(best[i]).toBeCloseTo(expected, 5);
    });
  });

  it('have the gradient of a sigmoid around the first value that is left out', async () => {
    const seeds = new Map([['best', float32([2, 1, 2, 3], new Float32Array(12).fill(1))]]);
    const found = await gradientsOf(model, { inputs, seeds, wrt: ['values'] });
    const slope = (x: number) => {
      const soft = 1 / (1 + Math.exp(-x));
      return soft * (1 - soft);
    };
    const expected = [...values.map((value) => slope(value - 0.5)), ...values.map((value) => slope(-value - 1))];
    const got = Array.from((found.gradients.get('values') as Tensor<'float32'>).data);
    // float32 sigmoids.
    got.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i], 5);
    });
  });
});
