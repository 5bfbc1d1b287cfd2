import { afterAll, expect, it } from 'vitest';
import { createNodeRuntime } from '../../runtime/node.ts';
import { toNumbers } from '../../tensor/convert.ts';
import { float32, int64, type Tensor } from '../../tensor/tensor.ts';
import { GraphBuilder } from '../builder.ts';
import type { OnnxModel } from '../graph.ts';
import { lower } from './index.ts';

const runtime = createNodeRuntime({ threads: 4 });
afterAll(() => runtime.close());

it('adds every update of a ScatterND, also where many threads meet at one place', async () => {
  const [positions, row, updates] = [3, 16, 20_000];
  const builder = new GraphBuilder();
  builder.input('data', 'float32', [positions, row]);
  builder.input('indices', 'int64', [updates, 1]);
  builder.input('updates', 'float32', [updates, row]);
  builder.op('ScatterND', ['data', 'indices', 'updates'], { reduction: 'add' }, { outputs: ['y'] });
  builder.output('y', 'float32', [positions, row]);
  const opsets = new Map([['', 21]]);
  const written: OnnxModel = {
    irVersion: 10,
    producer: '',
    opsets,
    graph: builder.build(),
    functions: [],
    metadata: new Map(),
  };
  const { model, notes } = lower(written);
  expect(notes.map((note) => note.code)).toEqual(['expanded']);

  const session = await runtime.open(model);
  const feeds = new Map<string, Tensor>([
    ['data', float32([positions, row], new Float32Array(positions * row).fill(5))],
    // 0, 1, −1, 0, 1, −1, …: the last place by its negative index.
    [
      'indices',
      int64(
        [updates, 1],
        Array.from({ length: updates }, (_, i) => [0, 1, -1][i % 3]),
      ),
    ],
    ['updates', float32([updates, row], new Float32Array(updates * row).fill(1))],
  ]);
  const result = (await session.run(feeds, ['y'])).get('y') as Tensor;
  await session.release();
  // 20,000 = 6,667 + 6,667 + 6,666 ones, exact in float32, on top of 5.
  expect([0, row, 2 * row].map((i) => toNumbers(result)[i])).toEqual([6672, 6672, 6671]);
  expect(result.shape).toEqual([positions, row]);
});
