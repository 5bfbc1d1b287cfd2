import { afterAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../onnx/builder.ts';
import type { Graph, OnnxModel } from '../onnx/graph.ts';
import { float32, int64, type Tensor, tensor } from '../tensor/tensor.ts';
import { Executor } from './executor.ts';
import { gradientsOf, hessianVectorProduct, oneHotSeed } from './gradient.ts';
import { createModel } from './model.ts';
import { createNodeRuntime } from './node.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

function modelOf(graph: Graph): OnnxModel {
  return { irVersion: 10, producer: '', opsets: new Map([['', 20]]), graph, functions: [], metadata: new Map() };
}

/** y = x · W with W = [[1, 2], [3, 4]], any number of rows. */
function linear(): Graph {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', ['rows', 2]);
  builder.initializer('W', float32([2, 2], [1, 2, 3, 4]));
  builder.op('MatMul', ['x', 'W'], {}, { outputs: ['y'] });
  builder.output('y', 'float32', ['rows', 2]);
  return builder.build();
}

describe('executor', () => {
  it('runs a graph: (1, 1) · W = (4, 6)', async () => {
    const executor = new Executor(runtime, modelOf(linear()), undefined);
    const results = await executor.run(executor.model.graph, new Map([['x', float32([1, 2], [1, 1])]]), ['y']);
    expect([...(results.get('y') as Tensor<'float32'>).data]).toEqual([4, 6]);
    expect(executor.runs).toBe(1);
    await executor.close();
  });

  it('says what inputs look like where they are no Map', async () => {
    const executor = new Executor(runtime, modelOf(linear()), undefined);
    const run = executor.run(executor.model.graph, { x: float32([1, 2], [1, 1]) } as never, ['y']);
    await expect(run).rejects.toThrow(/no Map of tensors \(got an object with x, expected a Map/);
    await executor.close();
  });

  it('tells exact shapes for the shapes of the input, and keeps them apart', async () => {
    const executor = new Executor(runtime, modelOf(linear()), undefined);
    const shapeFor = async (rows: number) => {
      const { facts, graph } = await executor.specialise(
        executor.model.graph,
        new Map([['x', tensor('float32', [rows, 2])]]),
      );
      expect(graph.inputs[0].shape).toEqual([rows, 2]);
      return facts.shapes.get('y');
    };
    expect(await shapeFor(3)).toEqual([3, 2]);
    expect(await shapeFor(5)).toEqual([5, 2]);
    const once = await executor.specialise(executor.model.graph, new Map([['x', tensor('float32', [3, 2])]]));
    expect(await executor.specialise(executor.model.graph, new Map([['x', tensor('float32', [3, 2])]]))).toBe(once);
  });

  it('turns values that depend on shapes alone into constants', async () => {
    const builder = new GraphBuilder();
    builder.input('x', 'float32', ['n', 4]);
    builder.op('Shape', ['x'], {}, { outputs: ['size'] });
    builder.op('Gather', ['size', builder.initializer('zero', int64([1], [0]))], {}, { outputs: ['rows'] });
    builder.op('Expand', [builder.scalar(1), 'rows'], {}, { outputs: ['y'] });
    builder.output('y', 'float32', ['n']);
    const executor = new Executor(runtime, modelOf(builder.build()), undefined);
    const { facts, graph } = await executor.specialise(
      executor.model.graph,
      new Map([['x', tensor('float32', [7, 4])]]),
    );
    expect(facts.constants.get('rows')?.data).toEqual(BigInt64Array.of(7n));
    expect(graph.nodes.map((node) => node.op)).toEqual(['Expand']);
  });

  it('takes the branch of an If whose condition is known from the shapes', async () => {
    const branch = (op: string, output: string): Graph => {
      const builder = new GraphBuilder();
      builder.append({ op, domain: '', name: output, inputs: ['x'], outputs: [output], attributes: {} });
      builder.output(output, 'float32', [1, 2]);
      return builder.build();
    };
    const builder = new GraphBuilder();
    builder.input('x', 'float32', [1, 'n']);
    builder.op('Size', ['x'], {}, { outputs: ['size'] });
    builder.op('Equal', ['size', builder.initializer('two', int64([], [2]))], {}, { outputs: ['isTwo'] });
    builder.append({
      op: 'If',
      domain: '',
      name: 'choose',
      inputs: ['isTwo'],
      outputs: ['y'],
      attributes: {
        then_branch: { kind: 'graph', value: branch('Exp', 'a') },
        else_branch: { kind: 'graph', value: branch('Neg', 'b') },
      },
    });
    builder.output('y', 'float32', [1, 'n']);
    const model = createModel(modelOf(builder.build()), runtime, { name: 'if', hash: '' });
    const inputs = new Map([['x', float32([1, 2], [0, 1])]]);
    const { gradients } = await gradientsOf(model, {
      inputs,
      seeds: new Map([['y', float32([1, 2], [1, 1])]]),
      wrt: ['x'],
    });
    // The gradient of exp is exp: 1 and e.
    expect(gradients.get('x')?.data[0]).toBeCloseTo(1, 6);
    expect(gradients.get('x')?.data[1]).toBeCloseTo(Math.E, 5);
    await model.close();
  });

  it('opens anew, optimized and packed, what was to run once and is asked for again and again', async () => {
    const opened: unknown[] = [];
    const counting = {
      ...runtime,
      open: (...[model, options]: Parameters<typeof runtime.open>) => {
        opened.push([options?.optimization, options?.prepack]);
        return runtime.open(model, options);
      },
    };
    const executor = new Executor(counting, modelOf(linear()), undefined);
    const { graph } = executor.model;
    const feeds = new Map([['x', float32([1, 2], [1, 1])]]);
    for (let i = 0; i < 5; i++) {
      const results = await executor.run(graph, feeds, ['y'], { optimize: false, prepack: false });
      expect([...(results.get('y') as Tensor<'float32'>).data]).toEqual([4, 6]);
    }
    expect(opened).toEqual([
      ['none', false],
      ['all', true],
    ]);
    await executor.close();
  });

  it('closes the least recently used session when the count is exceeded, and opens it again', async () => {
    const executor = new Executor(runtime, modelOf(linear()), undefined, { sessionCount: 1 });
    const [first, second] = [linear(), linear()];
    const feeds = new Map([['x', float32([1, 2], [1, 0])]]);
    for (const graph of [first, second, first]) {
      const results = await executor.run(graph, feeds, ['y']);
      expect([...(results.get('y') as Tensor<'float32'>).data]).toEqual([1, 2]);
    }
    await executor.close();
  });

  it.each([
    [new Map(), /input "x" is missing/],
    [new Map([['x', int64([1, 2], [1, 2])]]), /wrong element type.*int64.*float32/],
    [new Map([['x', float32([1, 3], [1, 2, 3])]]), /wrong shape.*1×3.*rows×2/],
  ])('refuses inputs that do not fit before anything runs', async (feeds, message) => {
    const executor = new Executor(runtime, modelOf(linear()), undefined);
    await expect(executor.run(executor.model.graph, feeds as Map<string, Tensor>, ['y'])).rejects.toThrow(message);
    await expect(executor.specialise(executor.model.graph, feeds as Map<string, Tensor>)).rejects.toThrow(message);
  });
});

describe('gradients of a model', () => {
  it('of an input and of a weight: ∂(x·W)_0/∂x = W column 0, ∂/∂W = x in column 0', async () => {
    const model = createModel(modelOf(linear()), runtime, { name: 'linear', hash: '' });
    const inputs = new Map([['x', float32([1, 2], [5, 7])]]);
    const seeds = new Map([['y', oneHotSeed([1, 2], [0, 0])]]);
    const { gradients, outputs, disconnected } = await gradientsOf(model, { inputs, seeds, wrt: ['x', 'W'] });
    expect([...(gradients.get('x')?.data ?? [])]).toEqual([1, 3]);
    expect([...(gradients.get('W')?.data ?? [])]).toEqual([5, 0, 7, 0]);
    expect([...(outputs.get('y')?.data as Float32Array)]).toEqual([26, 38]);
    expect(disconnected).toEqual([]);
    await model.close();
  });

  it('says which operator stops a gradient that is zero', async () => {
    const builder = new GraphBuilder();
    builder.input('x', 'float32', [1, 3]);
    builder.op('ArgMax', ['x'], { axis: 1, keepdims: 0 }, { outputs: ['index'] });
    builder.op('Cast', ['index'], { to: 1 }, { outputs: ['y'] });
    builder.output('y', 'float32', [1]);
    const model = createModel(modelOf(builder.build()), runtime, { name: 'argmax', hash: '' });
    const result = await gradientsOf(model, {
      inputs: new Map([['x', float32([1, 3], [1, 5, 2])]]),
      seeds: new Map([['y', float32([1], [1])]]),
      wrt: ['x'],
    });
    expect(result.disconnected).toEqual(['x']);
    expect([...(result.gradients.get('x')?.data ?? [])]).toEqual([0, 0, 0]);
    expect(result.notes.map(({ operator, code }) => `${operator} ${code}`)).toEqual(['ArgMax zero-gradient']);
    await model.close();
  });

  it('second derivatives: for Σ x³ the Hessian is diag(6x), so H·v = 6 x v', async () => {
    const builder = new GraphBuilder();
    builder.input('x', 'float32', [1, 2]);
    builder.op('Pow', ['x', builder.scalar(3)], {}, { outputs: ['y'] });
    builder.output('y', 'float32', [1, 2]);
    const model = createModel(modelOf(builder.build()), runtime, { name: 'cube', hash: '' });
    const { gradients } = await hessianVectorProduct(model, {
      inputs: new Map([['x', float32([1, 2], [2, -3])]]),
      seeds: new Map([['y', float32([1, 2], [1, 1])]]),
      vectors: new Map([['x', float32([1, 2], [1, 10])]]),
    });
    expect([...(gradients.get('x')?.data ?? [])]).toEqual([12, -180]);
    await model.close();
  });
});

describe('worker', () => {
  it('leaves the event loop free while a graph runs', async () => {
    const builder = new GraphBuilder();
    builder.input('x', 'float32', [256, 256]);
    let value = 'x';
    for (let i = 0; i < 60; i++) value = builder.op('MatMul', [value, 'x']);
    builder.output(value, 'float32', [256, 256]);
    const executor = new Executor(runtime, modelOf(builder.build()), undefined);
    const feeds = new Map([['x', tensor('float32', [256, 256])]]);
    await executor.run(executor.model.graph, feeds, [value]);
    let turns = 0;
    const counter = setInterval(() => turns++, 0);
    await executor.run(executor.model.graph, feeds, [value]);
    clearInterval(counter);
    expect(turns).toBeGreaterThan(0);
    await executor.close();
  });

  it('an aborted signal stops before the next run', async () => {
    const executor = new Executor(runtime, modelOf(linear()), undefined);
    const controller = new AbortController();
    controller.abort();
    await expect(
      executor.run(executor.model.graph, new Map([['x', float32([1, 2], [1, 1])]]), ['y'], {
        signal: controller.signal,
      }),
    ).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('an operator that the runtime lacks is an error that names it', async () => {
    const builder = new GraphBuilder();
    builder.input('x', 'float32', [2]);
    builder.op('NoSuchOperator', ['x'], {}, { outputs: ['y'] });
    builder.output('y', 'float32', [2]);
    const executor = new Executor(runtime, modelOf(builder.build()), undefined);
    await expect(
      executor.run(executor.model.graph, new Map([['x', float32([2], [1, 1])]]), ['y']),
    ).rejects.toMatchObject({
      code: 'unsupported-operator',
      message: expect.stringContaining('NoSuchOperator'),
    });
  });

  it('rejects a count of threads that is none', () => {
    expect(() => createNodeRuntime({ threads: 0 })).toThrow(/a whole number from 1 to 256/);
    expect(() => createNodeRuntime({ threads: 1_000_000 })).toThrow(/got 1000000/);
  });
});
