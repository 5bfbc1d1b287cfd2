import { afterAll, expect, it } from 'vitest';
import { matrix } from '../../../test/attribution-models.ts';
import { loadModel } from '../../data/model/load-model.ts';
import { explain } from '../../explain/explain.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import { encodeModel } from '../../onnx/encode.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { int64, tensor } from '../../tensor/tensor.ts';
import { attribute } from '../attribute.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

/** y = Σ over tokens of the square of a table's row: 1, 4 and 9 for the ids 0, 1 and 2. */
function classifier() {
  const builder = new GraphBuilder();
  builder.input('ids', 'int64', ['n', 'tokens']);
  const rows = builder.op('Gather', [matrix(builder, 3, 1, [1, 2, 3]), 'ids'], {}, { outputs: ['embedded'] });
  const sum = builder.op('ReduceSum', [builder.op('Mul', [rows, rows]), builder.ints([1])], { keepdims: 0 });
  builder.output(sum, 'float32', ['n', 1]);
  const opsets = new Map([['', 20]]);
  return encodeModel({
    irVersion: 10,
    producer: '',
    opsets,
    graph: builder.build(),
    functions: [],
    metadata: new Map(),
  });
}

it('has no path of the input over ids of tokens, and says what to take instead', async () => {
  const model = await loadModel(classifier(), { runtime });
  const inputs = new Map([['ids', int64([1, 2], [2, 1])]]);
  const baseline = { kind: 'tokens', id: 0 } as const;
  const target = { kind: 'output', index: [0] } as const;
  const along = (path: 'feature' | 'input') =>
    attribute(model, {
      inputs,
      baseline,
      target,
      method: 'integrated-gradients',
      layer: { names: ['embedded'] },
      parameters: { path },
    });
  const refused = /leads over values that are no inputs \(got input "ids" of int64.*leave path out: at the layer/;
  await expect(along('input')).rejects.toThrow(refused);
  const planned = explain(model, inputs, {
    baseline,
    target,
    layer: 'embedded',
    method: 'integrated-gradients',
    parameters: { 'integrated-gradients': { path: 'input' } },
  });
  await expect(planned).rejects.toThrow(refused);
  // Squares from 1 to 3 and from 1 to 2: 8 and 3.
  const { values } = await along('feature');
  expect([...(values.get('embedded')?.data ?? [])]).toEqual([expect.closeTo(8, 4), expect.closeTo(3, 4)]);
  await model.close();
});

it('goes along an input of bytes that the layer holds', async () => {
  const builder = new GraphBuilder();
  builder.input('x', 'uint8', ['n', 2]);
  const x = builder.op('Cast', ['x'], { to: 1 });
  builder.output(builder.op('ReduceSum', [builder.op('Mul', [x, x]), builder.ints([1])], { keepdims: 1 }), 'float32', [
    'n',
    1,
  ]);
  const opsets = new Map([['', 20]]);
  const bytes = encodeModel({
    irVersion: 10,
    producer: '',
    opsets,
    graph: builder.build(),
    functions: [],
    metadata: new Map(),
  });
  const model = await loadModel(bytes, { runtime });
  const { values } = await attribute(model, {
    inputs: new Map([['x', tensor('uint8', [1, 2], new Uint8Array([3, 2]))]]),
    baseline: { kind: 'zero' },
    target: { kind: 'output', index: [0] },
    method: 'integrated-gradients',
    parameters: { path: 'input' },
  });
  expect([...(values.get('x')?.data ?? [])]).toEqual([expect.closeTo(9, 3), expect.closeTo(4, 3)]);
  await model.close();
});
