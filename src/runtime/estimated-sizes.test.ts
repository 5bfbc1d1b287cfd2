import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../onnx/builder.ts';
import type { Graph } from '../onnx/graph.ts';
import { float32, int64 } from '../tensor/tensor.ts';
import { largestEstimated } from './estimated-sizes.ts';
import { createNodeRuntime } from './node.ts';

/** A graph of x [1, 4] with one value z. */
function graphWith(make: (builder: GraphBuilder) => string): Graph {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', [1, 4]);
  builder.output(make(builder), undefined, undefined);
  return builder.build();
}
const one = (builder: GraphBuilder) => builder.constant(float32([], [1]));

describe('sizes that follow from constants', () => {
  // Four bytes an element, except Range and OneHot of int64: eight.
  it.each<[string, (builder: GraphBuilder) => string, number | undefined]>([
    ['ConstantOfShape', (b) => b.op('ConstantOfShape', [b.ints([3, 5])]), 60],
    ['Expand', (b) => b.op('Expand', ['x', b.ints([7, 4])]), 112],
    ['Tile', (b) => b.op('Tile', ['x', b.ints([2, 3])]), 96],
    ['Range', (b) => b.op('Range', [b.ints([0], []), b.ints([9], []), b.ints([2], [])]), 40],
    ['Resize by sizes', (b) => b.op('Resize', ['x', '', '', b.ints([6, 8])]), 192],
    ['Resize by scales', (b) => b.op('Resize', ['x', '', b.constant(float32([2], [1, 2.5]))]), 40],
    ['OneHot', (b) => b.op('OneHot', [b.ints([1, 2]), b.ints([6], []), b.constant(int64([2], [0, 1]))]), 96],
    ['RandomUniform', (b) => b.op('RandomUniform', [], { shape: [2, 9] }), 72],
    ['the input', (b) => b.op('Relu', ['x']), undefined],
    ['a size made of the input', (b) => b.op('Expand', [one(b), b.op('Shape', ['x'])]), undefined],
    ['an empty value', (b) => b.op('ConstantOfShape', [b.ints([0, 2 ** 40])]), undefined],
  ])('%s', (_, make, bytes) => {
    expect(largestEstimated(graphWith(make))?.bytes).toBe(bytes);
  });

  it('beyond the memory are refused with the node, without a run', async () => {
    const runtime = createNodeRuntime({ threads: 1, isolation: 'process', memoryLimit: 2 ** 30 });
    const graph = graphWith((b) =>
      b.op('ConstantOfShape', [b.ints([30_000, 40_000])], {}, { name: 'large', outputs: ['z'] }),
    );
    const model = {
      irVersion: 10,
      producer: '',
      opsets: new Map([['', 20]]),
      functions: [],
      metadata: new Map(),
      graph,
    };
    await expect(runtime.open(model)).rejects.toThrow(
      /node "large" \(ConstantOfShape\): .*takes too much memory \(got 4\.5 GiB, more than 1\.0 GiB/,
    );
    await runtime.close();
  });
});
