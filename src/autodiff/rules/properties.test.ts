import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../onnx/builder.ts';
import type { Graph, OnnxModel } from '../../onnx/graph.ts';
import { Executor } from '../../runtime/executor.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { float32, sizeOf, type Tensor } from '../../tensor/tensor.ts';
import { differentiate } from '../differentiate.ts';
import { parseEquation } from './einsum.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const modelOf = (graph: Graph): OnnxModel => ({
  irVersion: 9,
  producer: '',
  opsets: new Map([['', 20]]),
  graph,
  functions: [],
  metadata: new Map(),
});

/** A block as transformers have it, with a value used twice and a kink: x ↦ max over rows of LN(x + gelu(x·w)·softmax(x)). */
function block(): Graph {
  const builder = new GraphBuilder();
  const x = builder.input('x', 'float32', [2, 3]);
  const w = builder.input('w', 'float32', [3, 3]);
  const hidden = builder.op('Gelu', [builder.op('MatMul', [x, w])]);
  const gated = builder.op('Mul', [hidden, builder.op('Softmax', [x], { axis: -1 })]);
  const scale = builder.constant(float32([3], [1, 0.5, 2]));
  const normal = builder.op('LayerNormalization', [builder.op('Add', [x, gated]), scale]);
  builder.output(builder.op('Identity', [normal], {}, { outputs: ['y'] }), 'float32');
  builder.output(builder.op('ReduceMax', [normal, builder.ints([0])], { keepdims: 0 }, { outputs: ['z'] }), 'float32');
  return builder.build();
}

async function gradientRunner(feeds: ReadonlyMap<string, Tensor>) {
  const executor = new Executor(runtime, modelOf(block()), undefined);
  const { graph, facts } = await executor.specialise(block(), feeds);
  const builder = new GraphBuilder(graph);
  const seeds = new Map(
    ['y', 'z'].map((name) => [name, builder.input(`seed ${name}`, 'float32', facts.shapes.get(name) ?? [])]),
  );
  const { graph: backward, gradients } = differentiate(builder.build(), facts, { seeds, wrt: ['x', 'w'] });
  const names = ['x', 'w'].map((name) => gradients.get(name) as string);
  const whole = new GraphBuilder(backward);
  for (const name of names) whole.output(name, 'float32');
  const complete = whole.build();
  return async (y: readonly number[], z: readonly number[]) => {
    const seeded = new Map([...feeds, ['seed y', float32([2, 3], y)], ['seed z', float32([3], z)]] as [
      string,
      Tensor,
    ][]);
    const results = await executor.run(complete, seeded, names);
    return names.flatMap((name) => [...(results.get(name) as Tensor<'float32'>).data]);
  };
}

const numbers = (count: number) =>
  fc.array(
    fc.integer({ min: -64, max: 64 }).map((n) => n / 32),
    { minLength: count, maxLength: count },
  );

describe('gradients', () => {
  const feeds = new Map<string, Tensor>([
    ['x', float32([2, 3], [0.3, -1.2, 0.8, 1.5, 0.1, -0.6])],
    ['w', float32([3, 3], [0.2, -0.7, 1.1, 0.5, 0.9, -0.3, -1.4, 0.6, 0.4])],
  ]);

  it('are linear in the seed', async () => {
    const gradient = await gradientRunner(feeds);
    await fc.assert(
      fc.asyncProperty(numbers(6), numbers(3), numbers(6), numbers(3), numbers(2), async (y1, z1, y2, z2, [a, b]) => {
        const mix = (p: readonly number[], q: readonly number[]) => p.map((value, i) => a * value + b * q[i]);
        const [first, second, both] = [
          await gradient(y1, z1),
          await gradient(y2, z2),
          await gradient(mix(y1, y2), mix(z1, z2)),
        ];
        // Terms of order 10 at most (|a|, |b|, seeds ≤ 2), each rounded to 6e-8 of itself a few times.
        mix(first, second).forEach((value, i) => expect(Math.abs(both[i] - value)).toBeLessThanOrEqual(1e-5));
      }),
      { numRuns: 25 },
    );
  });

  it('are zero for a zero seed, and no NaN', async () => {
    const gradient = await gradientRunner(feeds);
    expect(await gradient(Array(6).fill(0), [0, 0, 0])).toEqual(Array(15).fill(0));
  });
});

describe('parseEquation', () => {
  it.each([
    [
      'ij,jk->ik',
      [2, 2],
      {
        operands: [
          ['i', 'j'],
          ['j', 'k'],
        ],
        output: ['i', 'k'],
      },
    ],
    [
      'ij, jk',
      [2, 2],
      {
        operands: [
          ['i', 'j'],
          ['j', 'k'],
        ],
        output: ['i', 'k'],
      },
    ],
    ['ba', [2], { operands: [['b', 'a']], output: ['a', 'b'] }],
    ['ii', [2], { operands: [['i', 'i']], output: [] }],
    ['...ij->...j', [4], { operands: [['1', '0', 'i', 'j']], output: ['1', '0', 'j'] }],
    [
      'a...,...->a...',
      [2, 3],
      {
        operands: [
          ['a', '0'],
          ['2', '1', '0'],
        ],
        output: ['a', '2', '1', '0'],
      },
    ],
    ['i->', [1], { operands: [['i']], output: [] }],
  ])('%s', (equation, ranks, expected) => {
    expect(parseEquation(equation, ranks)).toEqual(expected);
  });

  it('refuses operands that do not fit', () => {
    expect(parseEquation('ij,jk->ik', [2])).toBeUndefined();
    expect(parseEquation('ij->i', [3])).toBeUndefined();
  });
});

describe('refusals', () => {
  it('name the node, and what to do, where axes are computed from the data', async () => {
    const builder = new GraphBuilder();
    const x = builder.input('x', 'float32', [2, 3]);
    const axes = builder.input('axes', 'int64', [1]);
    builder.output(builder.op('ReduceSum', [x, axes], {}, { name: 'total', outputs: ['y'] }), 'float32');
    const graph = builder.build();
    const feeds = new Map<string, Tensor>([
      ['x', float32([2, 3], new Float32Array(sizeOf([2, 3])))],
      ['axes', { type: 'int64', shape: [1], data: BigInt64Array.of(1n) }],
    ]);
    const { facts } = await new Executor(runtime, modelOf(graph), undefined).specialise(graph, feeds);
    expect(() => differentiate(graph, facts, { seeds: new Map([['y', 'y']]), wrt: ['x'] })).toThrowError(
      'node "total" (ReduceSum): no gradient: its axes ("axes") is computed from the data. Fix: export the model with a constant there, or explain a layer behind this node.',
    );
  });
});
