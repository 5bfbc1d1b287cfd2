import { afterAll, expect, it } from 'vitest';
import { handModel } from '../../test/attribution-models.ts';
import { buildRowProgram } from '../autodiff/gradient-program.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { float32, int64, type Tensor } from '../tensor/tensor.ts';
import { withRowLoss } from './row-loss.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

it('gradients of the cross-entropy of every row of a softmax regression: (p − y) xᵀ', async () => {
  const b = new GraphBuilder();
  b.input('x', 'float32', ['rows', 2]);
  // Scores [0, 0] for every row: p = [½, ½].
  b.initializer('W', float32([2, 2], [0, 0, 0, 0]));
  b.initializer('b', float32([2], [0, 0]));
  b.op('Gemm', ['x', 'W', 'b'], { transB: 1 }, { outputs: ['y'] });
  b.output('y', 'float32', ['rows', 2]);
  const model = handModel(runtime, b.build());
  const row = withRowLoss(model.graph, { kind: 'cross-entropy' }, 'y', { type: 'int64', shape: [3] });
  const feeds = new Map<string, Tensor>([
    ['x', float32([3, 2], [1, 2, 3, 4, 5, 6])],
    [row.target, int64([3], [0, 1, 0])],
    // The last row only fills the batch.
    [row.seed, float32([3], [1, 1, 0])],
  ]);
  const { graph, facts } = await model.executor.specialise(row.graph, feeds);
  const program = buildRowProgram(graph, facts, {
    seeds: new Map([[row.loss, row.seed]]),
    wrt: ['W', 'b'],
    rows: { inputs: ['x', row.target, row.seed], count: 3 },
    reduce: { kind: 'perSample' },
  });
  const session = await model.executor.open(program.graph);
  const results = await session.run(feeds, program.outputs);
  await session.release();
  const of = (name: string) => [...(results.get(program.results.get(name) ?? '')?.data ?? [])];
  // float32: exact, since p is ½.
  expect(of('b')).toEqual([-0.5, 0.5, 0.5, -0.5, 0, 0]);
  expect(of('W')).toEqual([-0.5, -1, 0.5, 1, 1.5, 2, -1.5, -2, 0, 0, 0, 0]);
});
