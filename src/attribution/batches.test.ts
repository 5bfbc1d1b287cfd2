import { afterAll, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { drawn, handModel, matrix, modelOf } from '../../test/attribution-models.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { float32, int64, type Tensor } from '../tensor/tensor.ts';
import { attribute } from './attribute.ts';
import type { Baseline } from './baseline.ts';
import { even, fewSizes, inBatches, mostPoints, shared } from './batches.ts';
import type { Groups } from './groups.ts';
import { kernelShap } from './methods/kernel-shap.ts';
import type { Method } from './methods/method.ts';
import type { Target } from './targets/kinds/index.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

describe('batches', () => {
  it('come in order, the next one begun before the last is finished', async () => {
    const events: string[] = [];
    const begin = async (start: number, end: number) => {
      events.push(`begin ${start}-${end}`);
      return start;
    };
    await inBatches(5, 2, begin, (start, end, result) => events.push(`finish ${start}-${end} ${result}`));
    expect(events).toEqual(['begin 0-2', 'begin 2-4', 'finish 0-2 0', 'begin 4-5', 'finish 2-4 2', 'finish 4-5 4']);
  });

  it('keep every stream at work while an earlier one is slow', async () => {
    const begun: number[] = [];
    const waiting = new Map<number, () => void>();
    const begin = (start: number) => {
      begun.push(start);
      return new Promise<void>((resolve) => waiting.set(start, resolve));
    };
    const all = inBatches(6, 1, begin, () => undefined, 2);
    // The first batch is not done; each of the two streams has one to compute and one to go on with.
    await Promise.resolve();
    expect(begun).toEqual([0, 1, 2, 3]);
    for (let start = 0; start < 6; start++) {
      waiting.get(start)?.();
      await new Promise((resolve) => setTimeout(resolve));
    }
    await all;
    expect(begun).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('end at the first error', async () => {
    const finished: number[] = [];
    const begin = async (start: number) => {
      if (start >= 2) throw new Error(`batch ${start}`);
      return start;
    };
    await expect(inBatches(5, 1, begin, (start) => finished.push(start))).rejects.toThrow('batch 2');
    expect(finished).toEqual([0, 1]);
  });

  it('divide the points evenly where that costs little', () => {
    expect(even(50, 7)).toBe(5);
    expect(even(48, 7)).toBe(6);
    // 53 is prime: nothing between 4 and 7 divides it.
    expect(even(53, 7)).toBe(7);
    expect(even(3, 7)).toBe(3);
  });

  it('come out even for those that run at once', () => {
    // 25 batches of 2 would leave one of two threads without work at the end.
    expect(even(50, 2, 2)).toBe(1);
    expect(even(50, 7, 2)).toBe(5);
    expect(even(48, 7, 4)).toBe(6);
    // Half of what fits at least: 49 has no such divisor but an odd number of batches.
    expect(even(49, 7, 2)).toBe(7);
  });

  it('are shared by the streams, the last filled up', () => {
    // 2108 = 4 · 17 · 31: its divisors up to 131 would give 17 runs, of which two streams take 9 and 8.
    expect(shared(2108, 131, 2)).toBe(118);
    expect(shared(53, 7, 1)).toBe(7);
    expect([shared(0, 1, 2), shared(1, 1, 4), shared(7, 7, 4)]).toEqual([0, 1, 7]);
    for (const streams of [1, 2, 4]) {
      for (let count = 1; count <= 200; count++) {
        for (const most of [1, 3, 7, 64]) {
          const size = shared(count, most, streams);
          const runs = Math.ceil(count / size);
          expect(size).toBeLessThanOrEqual(most);
          expect(runs).toBeLessThan(count / most + 1 + streams);
          expect(runs * size - count).toBeLessThan(Math.ceil(runs / streams) * streams);
        }
      }
    }
  });

  it('have few sizes where their number varies, filled up by little', () => {
    const sizes = new Set<number>();
    for (const most of [1, 5, 32, 223]) {
      for (let count = 1; count <= 300; count++) {
        const size = fewSizes(count, most);
        sizes.add(size);
        expect(size).toBeLessThanOrEqual(most);
        const runs = Math.ceil(count / size);
        // An eighth of each run by rounding, and one point of each by dividing.
        expect(runs * size - count).toBeLessThanOrEqual(runs * (size / 8 + 1));
      }
    }
    expect([fewSizes(31, 223), fewSizes(231, 223), fewSizes(144, 223)]).toEqual([32, 120, 144]);
    // 1 to 16, then eight from one power of two to the next.
    expect(sizes.size).toBeLessThanOrEqual(16 + 4 * 8);
  });

  it('hold what fits the byte budget and the caches', () => {
    const graph = {
      name: '',
      inputs: [],
      outputs: [],
      nodes: [{ op: 'Relu', domain: '', name: '', inputs: ['a'], outputs: ['b'], attributes: {} }],
      initializers: new Map(),
      values: new Map(),
    };
    const facts = (width: number) => ({
      shapes: new Map([
        ['a', [1, 2 * width]],
        ['b', [1, width]],
      ]),
      types: new Map([
        ['a', 'float32' as const],
        ['b', 'float32' as const],
      ]),
      constants: new Map(),
    });
    // 4 KiB a point forward, and as much backward.
    expect(mostPoints(graph, facts(1024), 64 * 1024)).toBe(7);
    expect(mostPoints(graph, facts(1024), 2 ** 30)).toBeLessThan(4096);
    expect(mostPoints(graph, facts(2 ** 24), 1)).toBe(1);
    // With an input of 8 KiB a point 12 KiB, and as much backward.
    const fed = { ...graph, inputs: [{ name: 'a', type: 'float32' as const, shape: undefined }] };
    expect(mostPoints(fed, facts(1024), 64 * 1024)).toBe(2);
  });
});

describe('several batches at once', () => {
  it('have results in order, however many the runtime works on', async () => {
    const events: string[] = [];
    const begin = async (start: number) => {
      events.push(`begin ${start}`);
      // Later ones are done first.
      await new Promise((resolve) => setTimeout(resolve, 8 - 2 * start));
      return start;
    };
    await inBatches(4, 1, begin, (_start, _end, result) => events.push(`finish ${result}`), 2);
    expect(events.slice(0, 5)).toEqual(['begin 0', 'begin 1', 'begin 2', 'begin 3', 'finish 0']);
    expect(events.filter((event) => event.startsWith('finish'))).toEqual([0, 1, 2, 3].map((k) => `finish ${k}`));
  });

  it('give the same attribution as one after the other', async () => {
    const two = createNodeRuntime({ threads: 2 });
    try {
      const shares = async (threads: typeof two) => {
        const network = modelOf(threads, [1, 7], (b) => {
          const hidden = b.op('Tanh', [b.op('MatMul', ['x', matrix(b, 7, 5, [...drawn([35], 3).data])])]);
          return b.op('MatMul', [hidden, matrix(b, 5, 1, [...drawn([5], 4).data])]);
        });
        const sideBySide = vi.spyOn(network.executor, 'run');
        const { values } = await attribute(network, {
          inputs: new Map([['x', drawn([1, 7], 5)]]),
          target: { kind: 'output', index: [0] },
          baseline: { kind: 'sample', tensors: new Map([['x', drawn([4, 7], 6)]]), description: 'four rows' },
          method: 'kernel-shap',
          parameters: { samples: 60 },
          byteBudget: 1800,
        });
        return { values: values.get('x'), sideBySide: sideBySide.mock.calls.some(([, , , own]) => own?.sideBySide) };
      };
      const [one, both] = [await shares(runtime), await shares(two)];
      expect([one.sideBySide, both.sideBySide]).toEqual([false, true]);
      // Batches may differ in size, and with it the last bits of a product.
      for (const [i, value] of (both.values?.data ?? []).entries())
        expect(value).toBeCloseTo(one.values?.data[i] ?? 0, 5);
      expect(both.values).toEqual((await shares(two)).values);
    } finally {
      await two.close();
    }
  });
});

/** KernelSHAP that computes every game twice: with rows made by the graph, and with rows made here. */
function compared(pairs: [Float64Array, Float64Array][]): Method {
  return {
    ...(kernelShap as unknown as Method),
    run: (context, parameters) => {
      const prepared = Object.create(context.prepared) as typeof context.prepared;
      const evaluate: typeof prepared.evaluate = async (points, ...rest) => {
        const inGraph = await context.prepared.evaluate(points, ...rest);
        expect(points.source).toBeDefined();
        const here = await context.prepared.evaluate({ ...points, source: undefined }, ...rest);
        pairs.push([inGraph.target, here.target]);
        return inGraph;
      };
      prepared.evaluate = evaluate;
      return kernelShap.run({ ...context, prepared }, z.parse(kernelShap.parameters, parameters));
    },
  };
}

async function bothWays(
  model: Parameters<typeof attribute>[0],
  request: {
    readonly input: Tensor;
    readonly target: Target;
    readonly baseline: Baseline;
    readonly groups?: Groups;
    readonly byteBudget?: number;
  },
) {
  const pairs: [Float64Array, Float64Array][] = [];
  const { input, ...rest } = request;
  const run = vi.spyOn(model.executor, 'run');
  await attribute(model, {
    ...rest,
    inputs: new Map([['x', input]]),
    method: 'compared',
    methods: { compared: compared(pairs) },
    parameters: { samples: 60 },
  });
  expect(pairs.length).toBeGreaterThan(0);
  expect(run.mock.calls.some(([, feeds]) => feeds.has('masking/mask'))).toBe(true);
  return pairs;
}

describe('coalitions made by the graph', () => {
  const width = 7;
  const network = modelOf(runtime, [1, width], (b) => {
    const hidden = b.op('Tanh', [b.op('MatMul', ['x', matrix(b, width, 5, [...drawn([width * 5], 3).data])])]);
    return b.op('MatMul', [hidden, matrix(b, 5, 1, [...drawn([5], 4).data])]);
  });
  const target: Target = { kind: 'output', index: [0] };
  const sample: Baseline = {
    kind: 'sample',
    tensors: new Map([['x', drawn([4, width], 6)]]),
    description: 'four rows',
  };

  // The rows are copies either way; only the number of rows in a run may differ, and with it the last bits of a product.
  const expectSame = (pairs: readonly [Float64Array, Float64Array][]) => {
    for (const [inGraph, here] of pairs) {
      expect(inGraph.length).toBe(here.length);
      for (const [i, value] of inGraph.entries()) expect(value).toBeCloseTo(here[i], 5);
    }
  };

  it('are those made here, for a sample of baselines', async () => {
    expectSame(await bothWays(network, { input: drawn([1, width], 5), target, baseline: sample }));
  });

  it('are those made here, in several runs', async () => {
    expectSame(await bothWays(network, { input: drawn([1, width], 5), target, baseline: sample, byteBudget: 900 }));
  });

  it('show what belongs to no group', async () => {
    const groups: Groups = {
      kind: 'indices',
      tensors: new Map([['x', int64([1, width], [0, 0, 1, -1, 2, 2, -1])]]),
      names: ['a', 'b', 'c'],
    };
    expectSame(await bothWays(network, { input: drawn([1, width], 5), target, baseline: sample, groups }));
  });

  it('pick integers', async () => {
    const b = new GraphBuilder();
    const table = b.constant(float32([10, 2], drawn([20], 8).data));
    const looked = b.op('Tanh', [b.op('Gather', [table, b.input('x', 'int64', ['batch', 3])])]);
    const rows = b.op('ReduceSum', [looked, b.ints([1])], { keepdims: 0 });
    b.output(b.op('MatMul', [rows, matrix(b, 2, 1, [1, -2])], {}, { outputs: ['y'] }), 'float32', ['batch', 1]);
    const model = handModel(runtime, b.build());
    const input = int64([1, 3], [4, 7, 2]);
    expectSame(await bothWays(model, { input, target, baseline: { kind: 'tokens', id: 0 } }));
  });
});
