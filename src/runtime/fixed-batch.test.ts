import { afterAll, describe, expect, it } from 'vitest';
import { matrix } from '../../test/attribution-models.ts';
import { type Attribution, attribute } from '../attribution/attribute.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { fixedBatch } from '../onnx/lowering/fill-batch.ts';
import { float32, type Tensor } from '../tensor/tensor.ts';
import { withOpenBatch } from './fixed-batch.ts';
import { gradientsOf } from './gradient.ts';
import { createModel } from './model.ts';
import { createNodeRuntime } from './node.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

/** y = tanh(x W) for exactly four rows; `built` adds a constant of four rows of zeros, which fits no other number. */
async function fourRows(built: boolean) {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', [4, 3]);
  const product = builder.op('MatMul', ['x', matrix(builder, 3, 2, [0.1, 0.2, -0.1, 0.4, 0.2, 0.6])]);
  const state = built ? builder.op('Add', [product, builder.constant(float32([4, 2], new Float32Array(8)))]) : product;
  const shaped = builder.op('Reshape', [state, builder.ints([4, 2])]);
  builder.op('Tanh', [shaped], {}, { outputs: ['y'] });
  builder.output('y', 'float32', [4, 2]);
  const opsets = new Map([['', 20]]);
  const source = { irVersion: 10, producer: '', opsets, graph: builder.build(), functions: [], metadata: new Map() };
  return withOpenBatch(createModel(source, runtime, { name: 'four rows', hash: '' }));
}

const x = new Map([['x', float32([1, 3], [1, 2, 3])]]);
const only = ({ values }: Attribution) => (values.get('x') as Tensor<'float32'>).data;
const weights = [0.2, 0.4, 0.6];
const sum = 0.2 + 2 * 0.4 + 3 * 0.6;

describe.each([
  ['that is free of it', false],
  ['with a constant of that size', true],
])('a model of four rows %s', (_, built) => {
  it('takes one row, and as many as four', async () => {
    const model = await fourRows(built);
    expect(model.rowsAtMost).toBe(built ? 4 : undefined);
    expect(model.notes).toMatchObject([{ code: 'batch-opened', rows: 4 }]);
    for (const count of [1, 2, 4]) {
      const rows = float32(
        [count, 3],
        Array.from({ length: 3 * count }, (_, i) => i + 1),
      );
      const y = (await model.executor.run(model.graph, new Map([['x', rows]]), ['y'])).get('y') as Tensor<'float32'>;
      expect(y.shape).toEqual([count, 2]);
      // Row k is (3k + 1, 3k + 2, 3k + 3).
      for (let k = 0; k < count; k++) {
        const at = weights.reduce((total, weight, i) => total + weight * (3 * k + 1 + i), 0);
        expect(y.data[2 * k + 1]).toBeCloseTo(Math.tanh(at), 5);
      }
    }
  });

  it('has the gradient of one row', async () => {
    const model = await fourRows(built);
    const seeds = new Map([['y', float32([1, 2], [0, 1])]]);
    const { gradients } = await gradientsOf(model, { inputs: x, seeds, wrt: ['x'] });
    const slope = 1 - Math.tanh(sum) ** 2;
    for (const [i, weight] of weights.entries()) expect(gradients.get('x')?.data[i]).toBeCloseTo(weight * slope, 6);
  });

  // tanh of a sum: along the straight path from 0 the shares are w_i x_i / Σ of tanh(Σ). 2³ coalitions are two batches.
  it.each(['integrated-gradients', 'deep-lift'])('is explained: %s', async (method) => {
    const target = { kind: 'output', index: [1] } as const;
    const result = await attribute(await fourRows(built), { inputs: x, target, baseline: { kind: 'zero' }, method });
    for (const [i, weight] of weights.entries())
      expect(only(result)[i]).toBeCloseTo((weight * (i + 1) * Math.tanh(sum)) / sum, 3);
    expect(result.notes.join()).toContain('4 rows at once');
  });

  it('is explained in batches that the model takes: Shapley values', async () => {
    const target = { kind: 'output', index: [1] } as const;
    const request = { inputs: x, target, baseline: { kind: 'zero' }, method: 'exact-shapley' } as const;
    const v = (...held: number[]) => Math.tanh(held.reduce((total, i) => total + weights[i] * (i + 1), 0));
    // Of feature 0: ⅓ alone, ⅙ beside 1, ⅙ beside 2, ⅓ beside both.
    const first = v(0) / 3 + (v(0, 1) - v(1)) / 6 + (v(0, 2) - v(2)) / 6 + (v(0, 1, 2) - v(1, 2)) / 3;
    const result = await attribute(await fourRows(built), request);
    expect(only(result)[0]).toBeCloseTo(first, 5);
    expect(result.error).toBeLessThan(1e-5);
  });
});

it('a first axis is the batch only where every input and output has it', () => {
  const graph = (inputs: number[][], outputs: number[][]) => ({
    ...new GraphBuilder().build(),
    inputs: inputs.map((shape, i) => ({ name: `x${i}`, type: 'float32' as const, shape })),
    outputs: outputs.map((shape, i) => ({ name: `y${i}`, type: 'float32' as const, shape })),
  });
  expect(fixedBatch(graph([[4, 3]], [[4, 2]]))).toBe(4);
  expect(fixedBatch(graph([[1, 3]], [[1, 2]]))).toBeUndefined();
  expect(fixedBatch(graph([[4, 3]], [[2]]))).toBeUndefined();
  expect(fixedBatch(graph([[3]], [[3]]))).toBeUndefined();
  expect(
    fixedBatch(
      graph(
        [
          [4, 3],
          [1, 3],
        ],
        [[4, 2]],
      ),
    ),
  ).toBeUndefined();
});
