import { afterAll, expect, it } from 'vitest';
import { GraphBuilder } from '../onnx/builder.ts';
import { float32 } from '../tensor/tensor.ts';
import { createNodeRuntime } from './node.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

it('says of a size that an export kept that the inputs have another one', async () => {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', ['n', 1]);
  builder.output(builder.op('Reshape', ['x', builder.ints([2, 4])], {}, { name: 'heads' }), 'float32', [2, 4]);
  const session = await runtime.open({
    irVersion: 10,
    producer: '',
    opsets: new Map([['', 20]]),
    graph: builder.build(),
    functions: [],
    metadata: new Map(),
  });
  const [output] = builder.build().outputs;
  const run = session.run(new Map([['x', float32([7, 1], new Float32Array(7))]]), [output.name]);
  await expect(run).rejects.toMatchObject({
    code: 'runtime',
    what: 'the model holds a size that these inputs do not have',
    details: { where: 'node "heads" (Reshape)', got: '7×1 elements', expected: '2×4' },
  });
  await session.release();
});
