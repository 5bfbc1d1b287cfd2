import { afterAll, describe, expect, it } from 'vitest';
import { drawn, handModel } from '../../../test/attribution-models.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { float32, int64, type Tensor, tensor } from '../../tensor/tensor.ts';
import { prune } from './prune.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const [positions, heads, width] = [6, 2, 8];

/** What a graph gives as it is and after `prune`, with the lean graph and the shapes of all its values. */
async function bothWays(build: (b: GraphBuilder) => string, feeds: Readonly<Record<string, Tensor>>) {
  const b = new GraphBuilder();
  for (const [name, { type, shape }] of Object.entries(feeds)) b.input(name, type, shape);
  const output = b.output(build(b), 'float32');
  const model = handModel(runtime, b.build());
  const inputs = new Map(Object.entries(feeds));
  const specialised = await model.executor.specialise(model.graph, inputs);
  const lean = await prune(specialised);
  const run = async (graph: typeof lean) => (await model.executor.run(graph, inputs, [output])).get(output) as Tensor;
  const [whole, result] = [await run(specialised.graph), await run(lean)];
  const { facts } = await model.executor.specialise(lean, inputs);
  return { whole, result, lean, shapes: facts.shapes, before: specialised.graph };
}

const split = (b: GraphBuilder, value: string) =>
  b.op('Transpose', [b.op('Reshape', [value, b.ints([-1, positions, heads, width / heads])])], { perm: [0, 2, 1, 3] });

/** One layer of a transformer with the guard that exporters add, and the scores at one position. */
function transformer(b: GraphBuilder): string {
  const weight = (seed: number) => b.constant(drawn([width, width], seed, 0.5));
  const norm = (x: string) => {
    const squares = b.op('ReduceMean', [b.op('Mul', [x, x]), b.ints([-1])]);
    return b.op('Mul', [x, b.op('Reciprocal', [b.op('Sqrt', [b.op('Add', [squares, b.scalar(1e-5)])])])]);
  };
  const h = norm('x');
  const [q, k, v] = [1, 2, 3].map((seed) => split(b, b.op('MatMul', [h, weight(seed)])));
  const keys = b.op('Transpose', [k], { perm: [0, 1, 3, 2] });
  const scores = b.op('Softmax', [b.op('Add', [b.op('MatMul', [q, keys]), 'mask'])], { axis: -1 });
  const guarded = b.op('Where', [b.op('IsNaN', [scores]), b.scalar(0), scores]);
  const mixed = b.op('Transpose', [b.op('MatMul', [guarded, v])], { perm: [0, 2, 1, 3] });
  const joined = b.op('MatMul', [b.op('Reshape', [mixed, b.ints([-1, positions, width])]), weight(4)]);
  const residual = b.op('Add', ['x', joined]);
  const wide = b.op('Tanh', [b.op('MatMul', [norm(residual), weight(5)])]);
  return b.op('Gather', [b.op('Add', [residual, wide]), 'place'], { axis: 1 });
}

const inputsWith = (mask: Float32Array) => ({
  x: drawn([3, positions, width], 9),
  mask: float32([1, 1, positions, positions], mask),
  place: int64([1], [4]),
});

/** A position sees those before it. */
const causal = Float32Array.from({ length: positions ** 2 }, (_, i) =>
  i % positions > Math.floor(i / positions) ? Number.NEGATIVE_INFINITY : 0,
);

describe('a layer that is read at one position', () => {
  it('gives the same', async () => {
    const { whole, result } = await bothWays(transformer, inputsWith(causal));
    expect(result.shape).toEqual([3, 1, width]);
    // Products of fewer rows may be added up in another order.
    for (const [i, value] of (result as Tensor<'float32'>).data.entries())
      expect(value).toBeCloseTo((whole as Tensor<'float32'>).data[i], 5);
  });

  it('computes its queries, its residual and its products there alone', async () => {
    const { lean, shapes } = await bothWays(transformer, inputsWith(causal));
    const rowsOf = (op: string) =>
      lean.nodes.filter((node) => node.op === op).map((node) => (shapes.get(node.outputs[0]) ?? []).join('×'));
    expect(rowsOf('Softmax')).toEqual([`3×${heads}×1×${positions}`]);
    expect(rowsOf('Tanh')).toEqual([`3×1×${width}`]);
    // Keys and values are needed at every position, the rest is not.
    expect(rowsOf('MatMul').filter((shape) => shape === `3×${positions}×${width}`)).toHaveLength(2);
  });

  it('gives the same where a whole row is masked, which the guard makes 0', async () => {
    const nothing = new Float32Array(positions ** 2).fill(Number.NEGATIVE_INFINITY);
    const { whole, result, lean } = await bothWays(transformer, inputsWith(nothing));
    expect(lean.nodes.some((node) => node.op === 'If')).toBe(true);
    expect((whole as Tensor<'float32'>).data.every(Number.isFinite)).toBe(true);
    for (const [i, value] of (result as Tensor<'float32'>).data.entries())
      expect(value).toBeCloseTo((whole as Tensor<'float32'>).data[i], 5);
  });

  it('divides by a root, unless its reciprocal is needed', async () => {
    const build = (isShared: boolean) => (b: GraphBuilder) => {
      const reciprocal = b.op('Reciprocal', [b.op('Sqrt', [b.op('Mul', ['x', 'x'])])]);
      const divided = b.op('Mul', [reciprocal, 'x']);
      return isShared ? b.op('Add', [divided, reciprocal]) : divided;
    };
    const feeds = { x: drawn([3, 4], 5) };
    const alone = await bothWays(build(false), feeds);
    expect(alone.lean.nodes.map(({ op }) => op)).toEqual(['Mul', 'Sqrt', 'Div']);
    // x / √x² is 1 or −1 up to a rounding, with the sign of x.
    for (const [i, value] of (alone.result as Tensor<'float32'>).data.entries())
      expect(value).toBeCloseTo(Math.sign(feeds.x.data[i]), 6);
    const shared = await bothWays(build(true), feeds);
    expect(shared.lean.nodes.map(({ op }) => op)).toEqual(['Mul', 'Sqrt', 'Reciprocal', 'Mul', 'Add']);
  });

  it('stays as it is where every position is needed', async () => {
    const { lean, before } = await bothWays(
      (b) => {
        const mixed = b.op('Softmax', ['x'], { axis: 1 });
        return b.op('Gather', [mixed, 'place'], { axis: 1 });
      },
      { x: drawn([2, positions, 3], 1), place: int64([1], [2]) },
    );
    expect(lean.nodes.map(({ op }) => op)).toEqual(before.nodes.map(({ op }) => op));
  });
});

type Build = (b: GraphBuilder) => string;

/** Every way to move the choice of a place before an operator, each with the place on an axis that it leaves alone. */
const moves: readonly (readonly [string, Build])[] = [
  ['a broadcast', (b) => b.op('Add', ['x', b.constant(drawn([positions, 1], 2))])],
  ['an operand without the axis', (b) => b.op('Mul', ['x', b.constant(drawn([4], 2))])],
  ['Where', (b) => b.op('Where', [b.constant(tensor('bool', [4], Uint8Array.of(1, 0, 0, 1))), 'x', b.scalar(2)])],
  ['Softmax', (b) => b.op('Softmax', ['x'], { axis: -1 })],
  ['LayerNormalization', (b) => b.op('LayerNormalization', ['x', b.constant(drawn([4], 2))], { axis: -1 })],
  ['a mean', (b) => b.op('ReduceMean', ['x', b.ints([2])])],
  ['Slice', (b) => b.op('Slice', ['x', b.ints([1]), b.ints([3]), b.ints([-1])])],
  ['Concat', (b) => b.op('Concat', ['x', b.constant(drawn([3, positions, 1], 2))], { axis: 2 })],
  ['Transpose', (b) => b.op('Transpose', [b.op('Transpose', ['x'], { perm: [1, 0, 2] })], { perm: [1, 0, 2] })],
  ['MatMul', (b) => b.op('MatMul', ['x', b.constant(drawn([4, 5], 2))])],
  ['Reshape', (b) => b.op('Reshape', ['x', b.ints([3, positions, 2, 2])])],
  ['Unsqueeze', (b) => b.op('Unsqueeze', ['x', b.ints([3])])],
  ['Squeeze', (b) => b.op('Squeeze', [b.op('Unsqueeze', ['x', b.ints([0])]), b.ints([0])])],
];

describe('taking a place earlier', () => {
  it.each(moves)('passes %s', async (_, build) => {
    const feeds = { x: drawn([3, positions, 4], 7), place: int64([1], [3]) };
    const { whole, result, lean } = await bothWays((b) => b.op('Gather', [build(b), 'place'], { axis: 1 }), feeds);
    expect(result.shape).toEqual(whole.shape);
    expect(result.data).toEqual(whole.data);
    expect(lean.nodes[0].op).toBe('Gather');
    expect(lean.nodes.at(-1)?.op).not.toBe('Gather');
  });
});
