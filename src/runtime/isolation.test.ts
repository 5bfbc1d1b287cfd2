import { afterAll, describe, expect, it } from 'vitest';
import { WhereforeError } from '../errors.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import type { Graph, OnnxModel } from '../onnx/graph.ts';
import { float32, int64, type Tensor, tensor } from '../tensor/tensor.ts';
import { Executor } from './executor.ts';
import { createNodeRuntime } from './node.ts';
import { launchAhead } from './ort-process.ts';

const runtime = createNodeRuntime({ threads: 2, isolation: 'process', memoryLimit: 400 * 2 ** 20, timeLimit: 60 });
afterAll(() => runtime.close());

const modelOf = (graph: Graph): OnnxModel => ({
  irVersion: 10,
  producer: '',
  opsets: new Map([['', 20]]),
  graph,
  functions: [],
  metadata: new Map(),
});

/** y = x + 1 of any length, and the given nodes on the way to z. */
function graphOf(name: string, more: (builder: GraphBuilder) => void): Executor {
  const builder = new GraphBuilder();
  builder.input('x', 'int64', [name]);
  builder.op('Add', ['x', builder.ints([1])], {}, { outputs: ['y'] });
  builder.output('y', 'int64', [name]);
  more(builder);
  return new Executor(runtime, modelOf(builder.build()), undefined);
}

/** |−2⁶³ / x| for integers: at x = −1 the quotient does not fit, and the processor's trap ends the process. */
const division = () =>
  graphOf('n', (builder) => {
    builder.op('Div', [builder.constant(int64([1], [-(2n ** 63n)])), 'x'], {}, { name: 'ratio', outputs: ['z'] });
    builder.op('Abs', ['z'], {}, { outputs: ['size'] });
    builder.output('size', 'int64', ['n']);
  });

/** z = x · 1 doubled for ever. */
function endless(): Executor {
  const body = new GraphBuilder();
  body.input('i', 'int64', []);
  body.input('go', 'bool', []);
  body.input('s', 'int64', ['n']);
  body.op('Identity', ['go'], {}, { outputs: ['on'] });
  body.op('Add', ['s', 's'], {}, { outputs: ['t'] });
  body.output('on', 'bool', []);
  body.output('t', 'int64', ['n']);
  return graphOf('n', (builder) => {
    builder.append({
      op: 'Loop',
      domain: '',
      name: 'forever',
      inputs: ['', builder.constant(tensor('bool', [], Uint8Array.of(1))), 'x'],
      outputs: ['z'],
      attributes: { body: { kind: 'graph', value: body.build() } },
    });
    builder.output('z', 'int64', ['n']);
  });
}

const feed = (values: readonly number[]) => new Map([['x', int64([values.length], values.map(BigInt))]]);
const run = (executor: Executor, values: readonly number[], fetch: string, signal?: AbortSignal) =>
  executor
    .run(executor.model.graph, feed(values), [fetch], { signal })
    .then((results) => (results.get(fetch) as Tensor).data);

describe('a process for native code', () => {
  it('answers as a thread does, several runs at once', async () => {
    const thread = createNodeRuntime({ threads: 1 });
    const executor = division();
    const beside = new Executor(thread, executor.model, undefined);
    const inputs = Array.from({ length: 8 }, (_, i) => [i + 1, -4, 2]);
    const { graph } = executor.model;
    const got = await Promise.all(inputs.map((x) => executor.run(graph, feed(x), ['y', 'size'], { sideBySide: true })));
    for (const [i, x] of inputs.entries()) expect(got[i]).toEqual(await beside.run(graph, feed(x), ['y', 'size']));
    await executor.close();
    await thread.close();
  });

  it('answers where it was launched before it was asked, once and again', async () => {
    for (let turn = 0; turn < 2; turn++) {
      launchAhead();
      launchAhead();
      const executor = division();
      expect(await run(executor, [8, 2], 'y')).toEqual(await run(executor, [8, 2], 'y'));
      await executor.close();
    }
  });

  it('carries large values there and back', async () => {
    const builder = new GraphBuilder();
    builder.input('x', 'float32', ['n']);
    builder.op('Neg', ['x'], {}, { outputs: ['y'] });
    builder.output('y', 'float32', ['n']);
    const executor = new Executor(runtime, modelOf(builder.build()), undefined);
    const data = Float32Array.from({ length: 100_001 }, (_, i) => i);
    const result = await executor.run(executor.model.graph, new Map([['x', float32([data.length], data)]]), ['y']);
    expect(result.get('y')?.data).toEqual(data.map((value) => -value));
    const none = await executor.run(executor.model.graph, new Map([['x', float32([0], [])]]), ['y']);
    expect(none.get('y')?.data).toEqual(new Float32Array());
    await executor.close();
  });

  it('dies alone, names the node, and what was asked beside it is answered', async () => {
    const executor = division();
    const results = await Promise.allSettled([
      run(executor, [2, 4], 'size'),
      run(executor, [8, -1], 'size'),
      run(executor, [-8], 'size'),
    ]);
    expect(results[0]).toEqual({ status: 'fulfilled', value: BigInt64Array.of(2n ** 62n, 2n ** 61n) });
    expect(results[2]).toEqual({ status: 'fulfilled', value: BigInt64Array.of(2n ** 60n) });
    const { reason } = results[1] as PromiseRejectedResult;
    expect(reason).toBeInstanceOf(WhereforeError);
    expect(reason.code).toBe('runtime');
    expect(reason.message).toMatch(
      /node "ratio" \(Div\): ONNX Runtime crashed while running the model \(got SIG\w+ at Div/,
    );
    expect(await run(executor, [2, 4], 'size')).toEqual(BigInt64Array.of(2n ** 62n, 2n ** 61n));
    await executor.close();
  }, 60_000);

  it('is ended when a run is cancelled, and another one goes on', async () => {
    const executor = endless();
    const controller = new AbortController();
    const forever = run(executor, [1], 'z', controller.signal);
    const other = division();
    const waiting = run(other, [2], 'size');
    setTimeout(() => controller.abort(), 300);
    await expect(forever).rejects.toMatchObject({ code: 'cancelled' });
    expect(await waiting).toEqual(BigInt64Array.of(2n ** 62n));
    await executor.close();
    await other.close();
  });

  it('is ended when a run takes too long or too much memory, and the node is named', async () => {
    const hasty = createNodeRuntime({ threads: 1, isolation: 'process', timeLimit: 0.5 });
    const loop = new Executor(hasty, endless().model, undefined);
    await expect(run(loop, [1], 'z')).rejects.toThrow(
      /node "forever" \(Loop\): the loop does not end \(got more than 0.5 s/,
    );
    await hasty.close();
    const large = graphOf('n', (builder) => {
      builder.op('Expand', [builder.ints([1]), 'x'], {}, { name: 'wide', outputs: ['w'] });
      builder.op('ReduceSum', ['w'], { keepdims: 0 }, { outputs: ['sum'] });
      builder.output('sum', 'int64', []);
    });
    await expect(run(large, [200, 1_000_000], 'sum')).rejects.toThrow(/"wide".*takes too much memory/);
    await large.close();
  }, 60_000);
});
