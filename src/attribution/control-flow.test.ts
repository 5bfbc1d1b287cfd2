import { afterAll, expect, it } from 'vitest';
import { modelOf } from '../../test/attribution-models.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import type { Attribute } from '../onnx/graph.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { float32 } from '../tensor/tensor.ts';
import { attribute } from './attribute.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const branch = (make: (b: GraphBuilder) => string): Attribute => {
  const b = new GraphBuilder(undefined, { prefix: 'branch/' });
  const name = make(b);
  return { kind: 'graph', value: { ...b.build(), outputs: [{ name, type: 'float32', shape: undefined }] } };
};

/** y = Σ x² where the sum of x is above 0, else −3 Σ x. */
const model = () =>
  modelOf(runtime, [1, 2], (b) => {
    const isAbove = b.op('Greater', [b.op('ReduceSum', ['x'], { keepdims: 0 }), b.scalar(0)]);
    b.append({
      op: 'If',
      domain: '',
      name: 'either',
      inputs: [isAbove],
      outputs: ['chosen'],
      attributes: {
        then_branch: branch((t) => t.op('Mul', ['x', 'x'], {}, { name: 'then' })),
        else_branch: branch((e) => e.op('Mul', ['x', e.scalar(-3)], {}, { name: 'else' })),
      },
    });
    return b.op('ReduceSum', ['chosen', b.ints([1])], { keepdims: 1 });
  });

const request = {
  inputs: new Map([['x', float32([1, 2], [-1, -3])]]),
  target: { kind: 'output', index: [0] },
  baseline: { kind: 'input', tensor: float32([1, 2], [1, 1]), description: 'ones' },
} as const;

it('integrated gradients take the branch of each point, though all were asked for together', async () => {
  // The path (1 − 2t, 1 − 4t) crosses at t = 1/3. Up to there Δ ∫ 2x dt: −2 · 4/9 and −4 · 2/9; from there −3 Δ · 2/3.
  const parameters = { steps: 30, tolerance: 0, nodes: 'even' };
  const { values, gradientNotes } = await attribute(model(), {
    ...request,
    method: 'integrated-gradients',
    parameters,
  });
  const expected = [-8 / 9 + 4, -8 / 9 + 8];
  // The midpoint rule is exact for straight lines, and 1/3 lies between two of 30 steps.
  for (const [i, value] of expected.entries()) expect(values.get('x')?.data[i]).toBeCloseTo(value, 5);
  expect(gradientNotes.map(({ code, node }) => `${code} ${node}`)).toEqual(['decision either', 'decision either']);
});

it('Shapley values decide for each coalition by itself', async () => {
  // f(1,1) = 2, f(−1,1) = 0 (sum 0: else), f(1,−3) = 6, f(−1,−3) = 12: (−2 + 6)/2 and (4 + 12)/2.
  const { values } = await attribute(model(), { ...request, method: 'exact-shapley' });
  expect([...(values.get('x')?.data ?? [])]).toEqual([2, 8]);
});
