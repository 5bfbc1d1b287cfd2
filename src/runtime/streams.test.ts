import { afterAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../onnx/builder.ts';
import type { Graph, OnnxModel } from '../onnx/graph.ts';
import { random } from '../tensor/random.ts';
import { float32, type Tensor } from '../tensor/tensor.ts';
import { Executor } from './executor.ts';
import { createNodeRuntime } from './node.ts';

const runtime = createNodeRuntime({ threads: 2 });
afterAll(() => runtime.close());

const source = random(3);
const drawn = (shape: readonly number[], size: number) =>
  float32(
    shape,
    Float32Array.from({ length: size }, () => source.normal()),
  );

function modelOf(graph: Graph): OnnxModel {
  return { irVersion: 10, producer: '', opsets: new Map([['', 20]]), graph, functions: [], metadata: new Map() };
}

/** `tanh(x · W)`. */
function network(): Graph {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', ['rows', 40]);
  builder.initializer('W', drawn([40, 30], 1200));
  builder.op('Tanh', [builder.op('MatMul', ['x', 'W'])], {}, { outputs: ['y'] });
  builder.output('y', 'float32', ['rows', 30]);
  return builder.build();
}

describe('runs side by side', () => {
  it('give what they give one after the other, each its own', async () => {
    const executor = new Executor(runtime, modelOf(network()), undefined);
    const { graph } = executor.model;
    expect(executor.streams(graph)).toBe(2);
    const feeds = Array.from({ length: 9 }, () => new Map([['x', drawn([50, 40], 2000)]]));
    const beside = await Promise.all(feeds.map((own) => executor.run(graph, own, ['y'], { sideBySide: true })));
    const alone = new Executor(runtime, executor.model, undefined);
    for (const [k, own] of feeds.entries()) {
      const expected = (await alone.run(graph, own, ['y'])).get('y') as Tensor;
      // Every row is a sum in the same order, on one thread or two.
      expect(beside[k].get('y')?.data).toEqual(expected.data);
    }
    await executor.close();
    await alone.close();
  });

  it('report a run that fails, and go on', async () => {
    const executor = new Executor(runtime, modelOf(network()), undefined);
    const { graph } = executor.model;
    const good = new Map([['x', drawn([3, 40], 120)]]);
    const session = await runtime.open(executor.model, { streams: 2 });
    const results = await Promise.allSettled([
      session.run(good, ['y']),
      session.run(good, ['nothing']),
      session.run(good, ['y']),
      session.run(good, ['nothing']),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected']);
    await session.release();
    await expect(session.run(good, ['y'])).rejects.toThrow('released');
    expect((await executor.run(graph, good, ['y'], { sideBySide: true })).get('y')?.shape).toEqual([3, 30]);
    await executor.close();
  });

  it('come one after the other where a session is opened for one', async () => {
    // A second lane would hold the weights again, and answer the small run first.
    const session = await runtime.open(modelOf(network()));
    const answered: number[] = [];
    const runs = [100_000, 1].map((rows) =>
      session
        .run(new Map([['x', float32([rows, 40], new Float32Array(rows * 40))]]), ['y'])
        .then(() => answered.push(rows)),
    );
    await Promise.all(runs);
    expect(answered).toEqual([100_000, 1]);
    await session.release();
  });

  it('stay one where each would hold large weights of its own', () => {
    const graph = network();
    const heavy = (bytes: number): Graph => {
      const location = { kind: 'file', path: 'weights', offset: 0, length: bytes } as const;
      const weight = { name: 'heavy', type: 'float32', shape: [bytes / 4], location } as const;
      return { ...graph, initializers: new Map(graph.initializers).set('heavy', weight) };
    };
    const executor = new Executor(runtime, modelOf(graph), undefined);
    expect(executor.streams(heavy(60 * 2 ** 20))).toBe(2);
    expect(executor.streams(heavy(65 * 2 ** 20))).toBe(1);
  });
});
