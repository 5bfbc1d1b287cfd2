import { afterAll, describe, expect, it } from 'vitest';
import { column, modelOf } from '../../test/attribution-models.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { float32 } from '../tensor/tensor.ts';
import { attribute } from './attribute.ts';

// Where the derivative of the target is infinite, or the target is not a number.
const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const target = { kind: 'output', index: [0] } as const;

/** y = x_1 + 1/x_0 where x_0 is not 0: at (0, 3) from (0, 1) only x_1 differs. */
const guarded = () =>
  modelOf(runtime, [1, 2], (b) => {
    const x0 = column(b, 0);
    const inverse = b.op('Where', [b.op('Equal', [x0, b.scalar(0)]), b.scalar(0), b.op('Reciprocal', [x0])]);
    return b.op('Add', [column(b, 1), inverse]);
  });

/** y = x_1 + asin(x_0): at x_0 = 1 the slope of the arc is infinite. */
const steep = () =>
  modelOf(runtime, [1, 2], (b) => b.op('Add', [column(b, 1), b.op('Asin', [column(b, 0)], {}, { name: 'the-arc' })]));

const request = (method: string, x: readonly number[], x0: readonly number[]) => ({
  inputs: new Map([['x', float32([1, 2], x)]]),
  target,
  method,
  baseline: { kind: 'input', tensor: float32([1, 2], x0), description: 'given' } as const,
});

const methods = ['integrated-gradients', 'deep-lift', 'taylor-1', 'taylor-2', 'expected-gradients', 'exact-shapley'];

describe('attributions at an infinite derivative', () => {
  it.each(methods)('%s of a masked one: the others by hand, the masked one exactly 0', async (method) => {
    const { values } = await attribute(guarded(), request(method, [0, 3], [0, 1]));
    const [masked, plain] = values.get('x')?.data ?? [];
    expect(masked).toBe(0);
    // A sum of float32 numbers.
    expect(plain).toBeCloseTo(2, 5);
  });

  it.each(methods)('%s of a feature that is what it is at the baseline: exactly 0', async (method) => {
    const { values } = await attribute(steep(), request(method, [1, 3], [1, 1]));
    const [same, plain] = values.get('x')?.data ?? [];
    expect(same).toBe(0);
    expect(plain).toBeCloseTo(2, 5);
  });

  it.each(['gradient', 'taylor-1', 'gradient-x-input'])('%s that stays infinite names the node', async (method) => {
    const found = attribute(steep(), request(method, [1, 3], [0, 1]));
    await expect(found).rejects.toMatchObject({ code: 'not-finite' });
    await expect(found).rejects.toThrow(/"the-arc".*is infinite/);
  });
});

describe('a target that is not a number', () => {
  const logarithm = () =>
    modelOf(runtime, [1, 2], (b) =>
      b.op('Add', [column(b, 1), b.op('Log', [column(b, 0)], {}, { name: 'the-logarithm' })]),
    );

  it.each(['integrated-gradients', 'exact-shapley', 'occlusion'])(
    '%s at the baseline names the node',
    async (method) => {
      const found = attribute(logarithm(), request(method, [1, 3], [0, 1]));
      await expect(found).rejects.toThrow(/"the-logarithm".*the target at the baseline is infinite/);
    },
  );

  it('at the input as well', async () => {
    const found = attribute(logarithm(), request('occlusion', [-1, 3], [1, 1]));
    await expect(found).rejects.toThrow(/"the-logarithm".*the target at the input is not a number/);
  });
});
