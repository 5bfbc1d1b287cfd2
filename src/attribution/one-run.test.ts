import { afterAll, describe, expect, it } from 'vitest';
import { drawn, handModel, smallClassifier } from '../../test/attribution-models.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { concatRows, float32, type Tensor } from '../tensor/tensor.ts';
import { attribute, estimateCost } from './attribute.ts';
import { isNested } from './layer.ts';
import { pointOf } from './points.ts';
import { prepare } from './prepare.ts';

// One run gives f(x), the layer and the gradient there; what no input changes is computed once for all inputs.
const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const x = drawn([1, 2, 8, 8], 11);
const target = { kind: 'classLogit', class: 1 } as const;
const inputs = new Map([['x', x]]);

/** The gradient at given features, in a run of its own. */
async function gradientBehind(model: ReturnType<typeof smallClassifier>, layer: readonly string[]) {
  const prepared = await prepare(model, inputs, target);
  const { values } = await prepared.evaluate(pointOf(inputs), layer);
  return (await prepared.gradient(pointOf(values), { wrt: layer })).sums;
}

describe('a gradient at the input', () => {
  it.each(['gradient', 'guided-backpropagation', 'lrp-epsilon'])(
    'of %s takes one forward and one backward pass',
    async (method) => {
      const model = smallClassifier(runtime);
      const request = { inputs, target, method, layer: { names: ['relu1'] } };
      expect(await estimateCost(model, request)).toEqual({ forward: 1, backward: 1 });
      expect((await attribute(model, request)).cost).toMatchObject({ forward: 1, backward: 1 });
    },
  );

  it('is that of the part behind the layer', async () => {
    const model = smallClassifier(runtime);
    const own = (await gradientBehind(model, ['relu1'])).get('relu1') as Float64Array;
    const { values } = await attribute(model, { inputs, target, method: 'gradient', layer: { names: ['relu1'] } });
    const shared = values.get('relu1')?.data as Float32Array;
    // The same float32 products, of features that another graph may round otherwise.
    for (const [i, value] of own.entries()) expect(Math.abs(shared[i] - value)).toBeLessThanOrEqual(1e-5);
    expect(own.some((value) => Math.abs(value) > 0.1)).toBe(true);
  });

  it('does not flow through one value of a layer to another', async () => {
    const model = smallClassifier(runtime);
    const layer = { names: ['relu1', 'relu2'] };
    expect(isNested(model.graph, layer)).toBe(true);
    expect(isNested(model.graph, { names: ['relu1'] })).toBe(false);
    const request = { inputs, target, method: 'gradient', layer };
    expect(await estimateCost(model, request)).toEqual({ forward: 2, backward: 1 });
    const { values, cost } = await attribute(model, request);
    expect(cost).toMatchObject({ forward: 2, backward: 1 });
    // relu2 is given, and everything behind relu1 goes through it.
    expect([...(values.get('relu1')?.data ?? [])].every((value) => value === 0)).toBe(true);
    expect([...(values.get('relu2')?.data ?? [])].some((value) => value !== 0)).toBe(true);
  });

  it('serves every sample of a baseline', async () => {
    const model = smallClassifier(runtime);
    const samples = [12, 13, 14].map((seed) => drawn([1, 2, 8, 8], seed, 0.3));
    const request = { inputs, target, method: 'taylor-1', layer: { names: ['relu1'] } };
    const from = (rows: readonly Tensor[]) =>
      ({ kind: 'sample', tensors: new Map([['x', concatRows(rows)]]), description: '' }) as const;
    const together = await attribute(model, { ...request, baseline: from(samples) });
    expect(together.cost.backward).toBe(1);
    const singles = await Promise.all(samples.map((one) => attribute(model, { ...request, baseline: from([one]) })));
    // Sums of float32 products, the mean taken in another order.
    expect(together.sum).toBeCloseTo(singles.reduce((sum, one) => sum + one.sum, 0) / 3, 4);
  });
});

describe('the target at a zero feature', () => {
  it('is computed once for each class', async () => {
    const model = smallClassifier(runtime);
    const implicit = async (index: number, image: Tensor) => {
      const result = await attribute(model, {
        inputs: new Map([['x', image]]),
        target: { kind: 'classLogit', class: index },
        method: 'gradient-x-input',
        layer: { names: ['relu2'] },
      });
      return { zero: result.value - (result.implicitTarget as number), forward: result.cost.forward };
    };
    // Behind relu2 comes a product and its bias alone.
    const bias = drawn([3], 6).data;
    const close = (value: number, expected: number) => expect(value).toBeCloseTo(expected, 5);
    const first = await implicit(1, x);
    close(first.zero, bias[1]);
    expect(first.forward).toBe(2);
    const other = await implicit(1, drawn([1, 2, 8, 8], 15));
    close(other.zero, bias[1]);
    expect(other.forward).toBe(1);
    const second = await implicit(2, x);
    close(second.zero, bias[2]);
    expect(second.forward).toBe(2);
  });

  it('is computed again where another input reaches it', async () => {
    const builder = new GraphBuilder();
    builder.input('a', 'float32', ['batch', 2]);
    builder.input('b', 'float32', ['batch', 2]);
    builder.op('Relu', ['a'], {}, { outputs: ['feature'] });
    builder.op('Add', ['feature', 'b'], {}, { outputs: ['y'] });
    builder.output('y', 'float32', ['batch', 2]);
    const model = handModel(runtime, builder.build());
    for (const b of [3, 5]) {
      const { value, implicitTarget } = await attribute(model, {
        inputs: new Map([
          ['a', float32([1, 2], [1, 1])],
          ['b', float32([1, 2], [b, b])],
        ]),
        explained: ['a'],
        target: { kind: 'classLogit', class: 0 },
        method: 'gradient-x-input',
        layer: { names: ['feature'] },
      });
      // relu(1) + b against 0 + b
      expect(value).toBe(1 + b);
      expect(implicitTarget).toBe(1);
    }
  });
});
