import { afterAll, expect, it } from 'vitest';
import { GraphBuilder } from '../onnx/builder.ts';
import { float32 } from '../tensor/tensor.ts';
import { createNodeRuntime } from './node.ts';
import type { Tensors } from './runtime.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

/** `sum = a + b`, and the input a itself among the outputs. */
async function opened() {
  const builder = new GraphBuilder();
  for (const name of ['a', 'b']) builder.input(name, 'float32', ['n']);
  builder.output(builder.op('Add', ['a', 'b'], {}, { outputs: ['sum'] }), 'float32', ['n']);
  builder.output(builder.op('Identity', ['a'], {}, { outputs: ['same'] }), 'float32', ['n']);
  const graph = builder.build();
  const opsets = new Map([['', 20]]);
  return runtime.open({ irVersion: 10, producer: '', opsets, graph, functions: [], metadata: new Map() });
}

const fed = (): Tensors =>
  new Map([
    ['a', float32([3], [1, 2, 3])],
    ['b', float32([3], [10, 20, 30])],
  ]);

it('takes the memory of the feeds that are given away, and of no others', async () => {
  const session = await opened();
  const feeds = fed();
  const results = await session.run(feeds, ['sum', 'same'], { transfer: ['a'] });
  expect([...(results.get('sum')?.data ?? [])]).toEqual([11, 22, 33]);
  // What was fed and freed is copied before.
  expect([...(results.get('same')?.data ?? [])]).toEqual([1, 2, 3]);
  expect(feeds.get('a')?.data.length).toBe(0);
  expect([...(feeds.get('b')?.data ?? [])]).toEqual([10, 20, 30]);
  await session.release();
});

it('leaves memory that others may use', async () => {
  const session = await opened();
  const whole = Float32Array.of(1, 2, 3, 4);
  const feeds = new Map(fed()).set('a', float32([3], whole.subarray(0, 3)));
  const results = await session.run(feeds, ['sum'], { transfer: ['a'] });
  expect([...(results.get('sum')?.data ?? [])]).toEqual([11, 22, 33]);
  expect([...whole]).toEqual([1, 2, 3, 4]);
  await session.release();
});
