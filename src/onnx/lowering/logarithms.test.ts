import { afterAll, describe, expect, it } from 'vitest';
import { modelOf } from '../../../test/attribution-models.ts';
import { gradientsOf } from '../../runtime/gradient.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { float32, int64 } from '../../tensor/tensor.ts';
import type { GraphBuilder } from '../builder.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

type Build = (b: GraphBuilder) => string;

const x = [0, 200, -200];
const softmax = (b: GraphBuilder) => b.op('Softmax', ['x'], { axis: -1 });
/** log Σ eˣ = 200 to all digits; its slope is (0, 1, 0). */
const logSoftmax = { y: x.map((value) => value - 200), slope: (k: number) => x.map((_, i) => +(i === k) - +(i === 1)) };
const last = (b: GraphBuilder) => b.constant(int64([1], [2]));

/** What each gives at (0, 200, −200), where the parts alone are 0 or ∞ in float32, and the gradient of element `k`. */
const cases: Readonly<Record<string, { build: Build; y: readonly number[]; k: number; gradient: readonly number[] }>> =
  {
    'Log(Softmax)': { build: (b) => b.op('Log', [softmax(b)]), y: logSoftmax.y, k: 0, gradient: logSoftmax.slope(0) },
    'Log of one element of a Softmax': {
      build: (b) => b.op('Log', [b.op('Reshape', [b.op('Gather', [softmax(b), last(b)], { axis: 1 }), b.ints([1])])]),
      y: [-400],
      k: 0,
      gradient: logSoftmax.slope(2),
    },
    'Log(Sigmoid)': {
      build: (b) => b.op('Log', [b.op('Sigmoid', ['x'])]),
      y: [-Math.LN2, 0, -200],
      k: 2,
      gradient: [0, 0, 1],
    },
    'Log(1 − Sigmoid)': {
      build: (b) => b.op('Log', [b.op('Sub', [b.scalar(1), b.op('Sigmoid', ['x'])])]),
      y: [-Math.LN2, -200, 0],
      k: 1,
      gradient: [0, -1, 0],
    },
    'Log(1 + Exp)': {
      build: (b) => b.op('Log', [b.op('Add', [b.op('Exp', ['x']), b.scalar(1)])]),
      y: [Math.LN2, 200, 0],
      k: 1,
      gradient: [0, 1, 0],
    },
    'Log(ReduceSum(Exp))': {
      build: (b) => b.op('Log', [b.op('ReduceSum', [b.op('Exp', ['x']), b.ints([1])], { keepdims: 0 })]),
      y: [200],
      k: 0,
      gradient: [0, 1, 0],
    },
    'ReduceLogSum(Exp)': {
      build: (b) => b.op('ReduceLogSum', [b.op('Exp', ['x']), b.ints([1])], { keepdims: 1 }),
      y: [200],
      k: 0,
      gradient: [0, 1, 0],
    },
  };

describe('logarithms of what underflows or overflows', () => {
  it.each(Object.entries(cases))('%s', async (_, { build, y, k, gradient }) => {
    const model = modelOf(runtime, [1, 3], build, y.length);
    const seed = new Float32Array(y.length);
    seed[k] = 1;
    const { outputs, gradients } = await gradientsOf(model, {
      inputs: new Map([['x', float32([1, 3], x)]]),
      seeds: new Map([['y', float32([1, y.length], seed)]]),
      wrt: ['x'],
    });
    // float32 keeps 7 digits.
    for (const [i, value] of y.entries())
      expect(Math.abs(Number(outputs.get('y')?.data[i]) - value)).toBeLessThanOrEqual(
        1e-6 * Math.max(1, Math.abs(value)),
      );
    for (const [i, value] of gradient.entries())
      expect(Math.abs(Number(gradients.get('x')?.data[i]) - value)).toBeLessThanOrEqual(1e-6);
    expect(model.notes.map(({ text }) => text).join()).toContain('in one step');
  });

  it('leaves a logarithm of anything else alone', () => {
    const model = modelOf(runtime, [1, 3], (b) => b.op('Log', [b.op('Add', [softmax(b), b.scalar(1e-6)])]), 3);
    expect(model.graph.nodes.map(({ op }) => op)).toEqual(['Softmax', 'Add', 'Log', 'Reshape']);
    expect(model.notes).toEqual([]);
  });
});
