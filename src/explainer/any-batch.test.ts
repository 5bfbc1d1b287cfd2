import { afterAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../onnx/builder.ts';
import type { Graph } from '../onnx/graph.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { float32, type Tensor } from '../tensor/tensor.ts';
import { anyBatch } from './any-batch.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

/** A graph `x [batch, 4] → y` that a function appends to. */
function graphOf(batch: number, append: (builder: GraphBuilder, batch: number) => string): Graph {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', [batch, 4]);
  builder.output(append(builder, batch), 'float32', undefined);
  return builder.build();
}

const freed = (append: (builder: GraphBuilder, batch: number) => string) =>
  anyBatch({ graph: graphOf(5, append), batch: 5 }, { graph: graphOf(7, append), batch: 7 }, 'x');

async function run(graph: Graph, rows: number): Promise<Tensor> {
  const model = { irVersion: 9, producer: '', opsets: new Map([['', 20]]), graph, functions: [], metadata: new Map() };
  const session = await runtime.open(model);
  try {
    const x = float32(
      [rows, 4],
      Array.from({ length: 4 * rows }, (_, i) => i),
    );
    const [{ name }] = graph.outputs;
    return (await session.run(new Map([['x', x]]), [name])).get(name) as Tensor;
  } finally {
    await session.release();
  }
}

describe('anyBatch', () => {
  it.each([1, 2, 5, 9])('reshapes batches of %i by sizes that were built in', async (rows) => {
    // [N, 4] → [2·N, 2] → [N + 1 rows, padded with one row of zeros]
    const graph = freed((builder, batch) => {
      const halves = builder.op('Reshape', ['x', builder.ints([2 * batch, 2])]);
      const whole = builder.op('Reshape', [halves, builder.ints([batch, 4])]);
      return builder.op('Pad', [whole, builder.ints([0, 0, 1, 0])]);
    });
    const y = await run(graph, rows);
    expect(y.shape).toEqual([rows + 1, 4]);
    expect(Array.from(y.data as Float32Array)).toEqual([
      ...Array.from({ length: 4 * rows }, (_, i) => i),
      ...[0, 0, 0, 0],
    ]);
  });

  it('tells constants apart that only happen to be equal at one size', async () => {
    // 5 is the batch in the first and the number of repeats in both: the builder keeps one constant for them at 5.
    const append = (builder: GraphBuilder, batch: number) => {
      const wide = builder.op('Reshape', ['x', builder.ints([batch, 4, 1])]);
      const counts = builder.op('Concat', [builder.ints([1]), builder.ints([1]), builder.ints([5])], { axis: 0 });
      const rows = builder.op('Concat', [builder.ints([batch]), builder.ints([20])], { axis: 0 });
      return builder.op('Reshape', [builder.op('Tile', [wide, counts]), rows]);
    };
    expect((await run(freed(append), 3)).shape).toEqual([3, 20]);
  });

  it('refuses what differs in more than whole numbers, naming the node', () => {
    const scaled = (builder: GraphBuilder, batch: number) => builder.op('Mul', ['x', builder.scalar(1 / batch)]);
    expect(() => freed(scaled)).toThrow('depends on the size of the batch');
    expect(() => freed((builder, batch) => builder.op('Concat', new Array(batch).fill('x'), { axis: 1 }))).toThrow(
      '(Concat)',
    );
    // 12 at 5 and 15 at 7: no whole number a row.
    const broken = (builder: GraphBuilder, batch: number) =>
      builder.op('Expand', ['x', builder.ints([batch === 5 ? 12 : 15, 1, 1])]);
    expect(() => freed(broken)).toThrow('depends on the size of the batch');
  });
});
