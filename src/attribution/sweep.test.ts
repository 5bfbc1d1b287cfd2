import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../onnx/builder.ts';
import { createModel } from '../runtime/model.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { float32 } from '../tensor/tensor.ts';
import { rankAgreement, shownValues, sweep } from './sweep.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

describe('rankAgreement', () => {
  it.each([
    [[1, 2, 3, 4], [10, 20, 30, 40], 1],
    [[1, 2, 3, 4], [1, 8, 27, 1000], 1],
    [[1, 2, 3, 4], [4, 3, 2, 1], -1],
    // 1 − 6 Σd² / (n (n² − 1)) = 1 − 6·2 / (4·15), the last two swapped.
    [[1, 2, 3, 4], [1, 2, 4, 3], 0.8],
    // Ranks 0, 1.5, 1.5, 3 against 0, 1, 2, 3: 4.5 / √(4.5 · 5).
    [[1, 2, 2, 3], [1, 2, 3, 4], 4.5 / Math.sqrt(4.5 * 5)],
    [[1, 1, 1, 1], [1, 2, 3, 4], undefined],
  ])('%o and %o', (a, b, expected) => {
    const [[, agreement]] = rankAgreement([a, b]);
    if (expected === undefined) expect(agreement).toBeUndefined();
    else expect(agreement).toBeCloseTo(expected, 12);
  });

  it('is symmetric, at most 1, and 1 with itself', () => {
    const map = fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(map, map, (a, b) => {
        fc.pre(new Set(a).size > 1 && new Set(b).size > 1);
        const [[aa, ab], [ba]] = rankAgreement([a, b]) as number[][];
        expect(aa).toBeCloseTo(1, 12);
        expect(ab).toBe(ba);
        expect(Math.abs(ab)).toBeLessThanOrEqual(1 + 1e-12);
      }),
      { numRuns: 50 },
    );
  });
});

it('shows an image without its channels, other values as they are', () => {
  const tensor = float32([1, 2, 1, 3], [1, 2, 3, 10, 20, 30]);
  expect([...shownValues(new Map([['x', tensor]]), { channelAxis: 1, spatialAxes: [2, 3] })]).toEqual([11, 22, 33]);
  const last = float32([1, 1, 3, 2], [1, 10, 2, 20, 3, 30]);
  expect([...shownValues(new Map([['x', last]]), { channelAxis: 3, spatialAxes: [1, 2] })]).toEqual([11, 22, 33]);
  expect([...shownValues(new Map([['x', tensor]]))]).toEqual([1, 2, 3, 10, 20, 30]);
});

it('asks a linear model against two baselines', async () => {
  // f(x) = 2a − 3b at (4, 1): against 0 the shares are 8 and −3, against 5 they are −2 and 12.
  const builder = new GraphBuilder();
  builder.input('x', 'float32', [1, 2]);
  builder.op('MatMul', ['x', builder.constant(float32([2, 1], [2, -3]))], {}, { outputs: ['y'] });
  builder.output('y', 'float32', [1, 1]);
  const model = createModel(
    {
      irVersion: 10,
      producer: '',
      opsets: new Map([['', 20]]),
      graph: builder.build(),
      functions: [],
      metadata: new Map(),
    },
    runtime,
    { name: 'linear', hash: '' },
  );
  const { attributions, agreement } = await sweep(
    model,
    {
      inputs: new Map([['x', float32([1, 2], [4, 1])]]),
      target: { kind: 'output', index: [0] },
      method: 'integrated-gradients',
    },
    [{ kind: 'zero' }, { kind: 'constant', value: 5 }],
  );
  const expected = [
    [8, -3],
    [-2, 12],
  ];
  attributions.forEach(({ values }, k) => {
    // Fifty weights of 1/50 are rounded by float32.
    values.get('x')?.data.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[k][i], 4);
    });
  });
  expect(attributions.map(({ attributionTarget }) => attributionTarget)).toEqual([5, 10]);
  expect(agreement).toEqual([
    [1, -1],
    [-1, 1],
  ]);
});
