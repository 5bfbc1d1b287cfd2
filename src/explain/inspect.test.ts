import { afterAll, expect, it } from 'vitest';
import { loadModel } from '../data/model/load-model.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { encodeModel } from '../onnx/encode.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { inspect } from './inspect.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

it('tells the shapes of layers for one input, with 8 for sizes that are open', async () => {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', ['batch', 3, 'height', 5]);
  const hidden = builder.op('Relu', ['x'], {}, { outputs: ['hidden'] });
  builder.op('GlobalAveragePool', [hidden], {}, { outputs: ['y'] });
  builder.output('y', 'float32', ['batch', 3, 1, 1]);
  const file = { irVersion: 10, producer: '', opsets: new Map([['', 20]]), functions: [], metadata: new Map() };
  const model = await loadModel(encodeModel({ ...file, graph: builder.build() }), { runtime });
  const { layers } = await inspect(model);
  expect(layers?.all.find(({ name }) => name === 'hidden')?.shape).toEqual([1, 3, 8, 5]);
});
