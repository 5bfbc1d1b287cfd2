import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadModel } from '../data/model/load-model.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { encodeModel } from '../onnx/encode.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import type { Runtime, Session } from '../runtime/runtime.ts';
import { random } from '../tensor/random.ts';
import { float32, type Tensor } from '../tensor/tensor.ts';
import { evaluate } from './evaluation/evaluate.ts';
import { explain } from './explain.ts';
import type { ExplainOptions } from './explain-options.ts';

const file = fileURLToPath(new URL('../../test/fixtures/command-line/classifier.onnx', import.meta.url));
const runtime = createNodeRuntime({ threads: 1 });
let model: LoadedModel;
let now = 0;

/**
 * The runtime, each run of which takes `alone` seconds and for each row `perNode` times the nodes of its graph, and which
 * takes `perOpening` for each session.
 */
function timed(alone: number, perNode: number, perOpening: number): Runtime {
  return {
    name: runtime.name,
    version: runtime.version,
    open: async (opened, options) => {
      const session = await runtime.open(opened, options);
      now += 1000 * perOpening;
      const run: Session['run'] = async (feeds, fetches, asked) => {
        const rows = [...feeds.values()].reduce((most, { shape }) => Math.max(most, shape[0] ?? 1), 1);
        now += 1000 * (alone + rows * perNode * opened.graph.nodes.length);
        return session.run(feeds, fetches, asked);
      };
      return { run, read: (names) => session.read(names), release: () => session.release() };
    },
    close: async () => undefined,
  };
}

const image = (seed: number) => {
  const source = random(seed);
  return new Map<string, Tensor>([
    [
      'image',
      float32(
        [1, 3, 12, 12],
        Float32Array.from({ length: 432 }, () => source.uniform()),
      ),
    ],
  ]);
};

beforeEach(() => {
  vi.spyOn(performance, 'now').mockImplementation(() => now);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await model.close();
});
afterAll(() => runtime.close());

/** A model whose runs are mostly their start, one whose rows take as long in a batch as alone, and one of seconds. */
const machines = [
  ['a quick model', 1e-3, 1e-6, 0, 3],
  ['a slower one', 1e-4, 1e-3, 0, 3],
  ['a slow one', 0.1, 0.1, 0, 3],
  // Opening is all of its work, and how many graphs methods and metrics will open is known roughly.
  ['one that opens slowly', 1e-4, 1e-7, 0.3, 6],
] as const;

const others = float32(
  [8, 3, 12, 12],
  Float32Array.from({ length: 8 * 432 }, (_, i) => Math.sin(i)),
);
const sample = { kind: 'sample', tensors: new Map([['image', others]]), description: 'other images' } as const;
const work: Record<string, ExplainOptions> = {
  'masks by forward passes': { methods: ['rise', 'occlusion'] },
  'gradients in batches': { methods: ['smooth-grad', 'gradient'] },
  'a path of adaptive length': { methods: 'integrated-gradients', layers: ['input', 'sum'] },
  'a sample of baselines': { methods: 'expected-gradients', baseline: sample },
  scorecards: { methods: ['gradient-x-input', 'grad-cam'], score: true },
};

/** Methods that are not adaptive have a forecast of one number; the others may take anything between. */
function expectWithin(factor: number, taken: number, { least, most }: { least: number; most: number }) {
  expect(least).toBeGreaterThan(0);
  expect(most).toBeGreaterThanOrEqual(least);
  expect(taken).toBeGreaterThan(least / factor);
  expect(taken).toBeLessThan(factor * most);
}

describe.each(machines)('the forecast for %s', (_, alone, perNode, perOpening, factor) => {
  it.each(Object.entries(work))('is near that of %s', async (_, options) => {
    model = await loadModel(file, { runtime: timed(alone, perNode, perOpening) });
    let forecast = { least: 0, most: 0 };
    let began = 0;
    await explain(model, image(1), {
      ...options,
      onPlanned: ({ seconds }) => ([forecast, began] = [seconds, now]),
    });
    expectWithin(factor, (now - began) / 1000, forecast);
  });

  it('is near that of an evaluation of several inputs', async () => {
    model = await loadModel(file, { runtime: timed(alone, perNode, perOpening) });
    let forecast = { least: 0, most: 0 };
    let began = 0;
    await evaluate(model, [image(1), image(2), image(3)], {
      methods: ['gradient-x-input', 'integrated-gradients', 'occlusion'],
      onPlanned: (plan) => ([forecast, began] = [plan.forecast.seconds, now]),
    });
    expectWithin(factor, (now - began) / 1000, forecast);
  });
});

describe('a graph so long that opening it takes longer than its runs', () => {
  const nodes = 4200;
  const chain = () => {
    const builder = new GraphBuilder();
    let last = builder.input('x', 'float32', [1, 4]);
    for (let i = 0; i < nodes; i++) last = builder.op('Relu', [last]);
    builder.output(last, 'float32', [1, 4]);
    const graph = builder.build();
    return encodeModel({
      irVersion: 10,
      producer: '',
      opsets: new Map([['', 20]]),
      graph,
      functions: [],
      metadata: new Map(),
    });
  };
  const perNode = 1e-5;

  it('is opened with its backward pass once, and that is forecast', async () => {
    const opened: string[][] = [];
    const runs = timed(1e-3, 1e-9, 0);
    model = await loadModel(chain(), {
      runtime: {
        ...runs,
        open: (asked, options) => {
          opened.push(asked.graph.inputs.map(({ name }) => name));
          now += 1000 * perNode * asked.graph.nodes.length;
          return runs.open(asked, options);
        },
      },
    });
    let forecast = { least: 0, most: 0 };
    let began = 0;
    const [{ document }] = await explain(model, new Map([['x', float32([1, 4], [1, 2, 3, 4])]]), {
      methods: 'integrated-gradients',
      onPlanned: ({ seconds }) => ([forecast, began] = [seconds, now]),
    });
    // f = x of one class, on the way from 0.
    expect(document.sum).toBeCloseTo(4, 5);
    expect(opened.filter((inputs) => inputs.includes('attribution/seed'))).toHaveLength(1);
    expectWithin(3, (now - began) / 1000, forecast);
  });
});
