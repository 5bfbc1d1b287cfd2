import { afterAll, describe, expect, it } from 'vitest';
import { matrix, modelOf } from '../../../test/attribution-models.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { float32 } from '../../tensor/tensor.ts';
import { attribute } from '../attribute.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

describe('guided backpropagation', () => {
  // y = a(x1) − a(x2) at (2, 2): −1 flows back to the second and is stopped at every kind of rectifier.
  it.each([
    ['Relu', []],
    ['LeakyRelu', []],
    ['Elu', []],
    ['Selu', []],
    ['Celu', []],
    ['ThresholdedRelu', []],
    // As exporters write ReLU6.
    ['Clip', [0, 6]],
  ] as const)('stops at %s', async (op, limits) => {
    const model = modelOf(runtime, [1, 2], (b) => {
      const rectified = b.op(op, ['x', ...limits.map((limit) => b.scalar(limit))]);
      return b.op('MatMul', [rectified, matrix(b, 2, 1, [1, -1])]);
    });
    const { values } = await attribute(model, {
      inputs: new Map([['x', float32([1, 2], [2, 2])]]),
      target: { kind: 'output', index: [0] },
      method: 'guided-backpropagation',
    });
    const [first, second] = values.get('x')?.data as Float32Array;
    expect(first).toBeGreaterThan(0.9);
    expect(second).toBe(0);
  });
});
