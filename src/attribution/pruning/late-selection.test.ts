import { afterAll, describe, expect, it } from 'vitest';
import { drawn, handModel } from '../../../test/attribution-models.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { float32, int64, type Tensor, tensor } from '../../tensor/tensor.ts';
import { selectLate } from './late-selection.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const [coalitions, positions, heads, width, vocabulary] = [7, 6, 2, 8, 10];

interface Rows {
  /** The input, one row, and the samples of the baseline. */
  readonly present: Tensor;
  readonly absent: Tensor;
  /** The shape of what each coalition holds, without the row. */
  readonly positions: readonly number[];
}

/** A graph on rows that it selects itself, as it is and with the selection late, for the same coalitions. */
async function bothWays({ present, absent, positions }: Rows, build: (b: GraphBuilder) => string) {
  const [samples, ...row] = absent.shape;
  const held = Uint8Array.from(
    { length: coalitions * positions.reduce((a, b) => a * b, 1) },
    (_, i) => (i * 7 + (i >> 2)) & 1,
  );
  const feeds = new Map<string, Tensor>([
    ['held', tensor('bool', [coalitions, 1, ...positions], held)],
    ['present', { ...present, shape: [1, 1, ...row] }],
    ['absent', { ...absent, shape: [1, samples, ...row] }],
  ]);
  const b = new GraphBuilder();
  for (const [name, { type, shape }] of feeds) b.input(name, type, shape);
  const selected = b.op('Where', ['held', 'present', 'absent']);
  b.op('Reshape', [selected, b.ints([-1, ...row])], {}, { outputs: ['x'] });
  const output = b.output(build(b), 'float32');
  const model = handModel(runtime, b.build());
  const { graph, facts } = await model.executor.specialise(model.graph, feeds);
  const late = selectLate(graph, facts);
  const run = async (of: typeof late) =>
    (await model.executor.run(of, feeds, [output])).get(output) as Tensor<'float32'>;
  const [whole, result] = [await run(graph), await run(late)];
  expect(result.shape).toEqual(whole.shape);
  // Products of fewer rows may be added up in another order; a row with a value of 10⁹ has no digits behind the point.
  for (const [i, value] of result.data.entries()) {
    const expected = whole.data[i];
    expect(Math.abs(value - expected)).toBeLessThan(5e-6 * (Math.abs(expected) > 1e6 ? Math.abs(expected) : 1));
  }
  const { shapes } = (await model.executor.specialise(late, feeds)).facts;
  /** Shapes of what an operator gives, in order. */
  const shapesOf = (op: string) =>
    late.nodes.filter((node) => node.op === op).map((node) => (shapes.get(node.outputs[0]) ?? []).join('×'));
  /** Results of rows without a large value. */
  const small = whole.data.filter((value) => Math.abs(value) < 1e6).length;
  return { late, shapes, shapesOf, small, isLate: late !== graph };
}

const tokens = (samples: number): Rows => ({
  present: int64([1, positions], [3, 1, 4, 1, 5, 9]),
  absent: int64(
    [samples, positions],
    Array.from({ length: samples * positions }, (_, i) => (i * 3) % vocabulary),
  ),
  positions: [positions],
});

const matrix = (b: GraphBuilder, shape: readonly number[], seed: number) => b.constant(drawn(shape, seed, 0.5));

/** A transformer of two layers behind an embedding with positions; `mask` is added to the scores. */
function transformer(b: GraphBuilder, mask: Float32Array, flat: boolean): string {
  const embedded = b.op('Gather', [matrix(b, [vocabulary, width], 1), 'x']);
  let x = b.op('Add', [embedded, matrix(b, [positions, width], 2)]);
  for (const layer of [10, 20]) {
    const norm = (value: string) =>
      b.op('LayerNormalization', [value, matrix(b, [width], layer), matrix(b, [width], layer + 1)], { axis: -1 });
    const h = norm(x);
    const joint = b.op('MatMul', [h, matrix(b, [width, 3 * width], layer + 2)]);
    const parts = b.ops('Split', [joint, b.ints([width, width, width])], { axis: 2 }, { outputs: 3 });
    const [q, k, v] = parts.map((part) =>
      b.op('Transpose', [b.op('Reshape', [part, b.ints([-1, positions, heads, width / heads])])], {
        perm: [0, 2, 1, 3],
      }),
    );
    const scores = b.op('MatMul', [q, b.op('Transpose', [k], { perm: [0, 1, 3, 2] })]);
    const masked = b.op('Add', [scores, b.constant(float32([1, 1, positions, positions], mask))]);
    const mixed = b.op('Transpose', [b.op('MatMul', [b.op('Softmax', [masked], { axis: -1 }), v])], {
      perm: [0, 2, 1, 3],
    });
    x = b.op('Add', [x, b.op('Reshape', [mixed, b.ints([-1, positions, width])])]);
    const rows = flat ? b.op('Reshape', [norm(x), b.ints([-1, width])]) : norm(x);
    const wide = b.op('Tanh', [b.op('MatMul', [rows, matrix(b, [width, width], layer + 3)])]);
    x = b.op('Add', [x, b.op('Reshape', [wide, b.ints([-1, positions, width])])]);
  }
  return x;
}

const everything = new Float32Array(positions ** 2);
/** A position sees those before it. */
const causal = everything.map((_, i) => (i % positions > Math.floor(i / positions) ? Number.NEGATIVE_INFINITY : 0));

describe('the selection of places', () => {
  it.each([
    ['an encoder', everything, 1],
    ['a causal decoder', causal, 1],
    ['a decoder, with three samples of the baseline', causal, 3],
  ] as const)('comes behind the projections of %s', async (_, mask, samples) => {
    const { shapesOf } = await bothWays(tokens(samples), (b) => transformer(b, mask, false));
    // The first layer's joint projection is made for the input and the samples alone, the second layer's for all rows.
    expect(shapesOf('MatMul').filter((shape) => shape.endsWith(`×${3 * width}`))).toEqual([
      `${1 + samples}×${positions}×${3 * width}`,
      `${coalitions * samples}×${positions}×${3 * width}`,
    ]);
    expect(shapesOf('LayerNormalization')[0]).toBe(`${1 + samples}×${positions}×${width}`);
  });

  it('gives the same where rows and positions are one axis inside', async () => {
    const { isLate } = await bothWays(tokens(1), (b) => transformer(b, causal, true));
    expect(isLate).toBe(true);
  });

  it('comes behind the scaling and the embedding of columns', async () => {
    const rows = { present: drawn([1, 5], 1), absent: drawn([2, 5], 2), positions: [5] };
    const { shapesOf } = await bothWays(rows, (b) => {
      const scaled = b.op('Mul', [b.op('Sub', ['x', matrix(b, [5], 3)]), matrix(b, [5], 4)]);
      const wide = b.op('Relu', [b.op('MatMul', [b.op('Unsqueeze', [scaled, b.ints([2])]), matrix(b, [1, 4], 5)])]);
      return b.op('MatMul', [b.op('Reshape', [wide, b.ints([-1, 20])]), matrix(b, [20, 3], 6)]);
    });
    expect(shapesOf('MatMul')).toEqual(['3×5×4', `${2 * coalitions}×3`]);
    expect(shapesOf('Relu')).toEqual(['3×5×4']);
  });

  it.each([
    ['', [], {}],
    [' with a bias', [[3]], {}],
    [' with a bias of one row, scaled', [[1, 3]], { alpha: { float: 0.5 }, beta: { float: 1.5 } }],
    [' transposed', [], { transB: 1, alpha: { float: 1.5 } }],
  ] as const)('is part of a product over the places%s', async (_, bias, attributes) => {
    const rows = { present: drawn([1, 6], 1), absent: drawn([4, 6], 2), positions: [6] };
    const { late, shapes, shapesOf, isLate } = await bothWays(rows, (b) => {
      const scaled = b.op('Sub', ['x', matrix(b, [6], 3)]);
      const weight = matrix(b, 'transB' in attributes ? [3, 6] : [6, 3], 4);
      const biases = bias.map((shape) => matrix(b, shape, 5));
      const op = Object.keys(attributes).length || bias.length ? 'Gemm' : 'MatMul';
      return b.op('Tanh', [b.op(op, [scaled, weight, ...biases], op === 'Gemm' ? attributes : {})]);
    });
    expect(isLate).toBe(true);
    // No row is made before the product: it is one of coalitions, and of samples side by side.
    expect(shapesOf('MatMul').at(-1)).toBe(`${coalitions}×${4 * 3}`);
    expect(late.nodes.filter(({ op }) => op === 'Gather')).toEqual([]);
    const wheres = late.nodes.filter(({ op }) => op === 'Where');
    expect(wheres.map(({ outputs: [name] }) => (shapes.get(name) ?? []).join('×'))).toEqual(['4×6', '4×6']);
  });

  it('loses no digits of a row that does not hold a value many times larger', async () => {
    const missing = (rows: Tensor, ...positions: readonly number[]) =>
      float32(
        rows.shape,
        (rows.data as Float32Array).map((value, i) => (positions.includes(i) ? -1e9 : value)),
      );
    const rows = {
      present: missing(drawn([1, 6], 1), 5),
      // Column 0 in one sample, column 2 in all.
      absent: missing(drawn([3, 6], 2), 6, 2, 8, 14),
      positions: [6],
    };
    const { isLate, small } = await bothWays(rows, (b) => b.op('MatMul', ['x', matrix(b, [6, 3], 4)]));
    expect(isLate).toBe(true);
    expect(small).toBeGreaterThan(0);
  });

  it('comes behind a product with what is the same for every row', async () => {
    const rows = { present: drawn([1, 3, 4], 1), absent: drawn([1, 3, 4], 2), positions: [3, 1] };
    const { shapesOf } = await bothWays(rows, (b) => b.op('Tanh', [b.op('Add', ['x', matrix(b, [1, 3, 1], 3)])]));
    expect(shapesOf('Tanh')).toEqual(['2×3×4']);
  });
});

/** What works on several positions or rows at once. */
const mixing: readonly (readonly [string, (b: GraphBuilder) => string])[] = [
  ['a sum over the places', (b) => b.op('ReduceSum', ['x', b.ints([1])], { keepdims: 0 })],
  ['a softmax over the places', (b) => b.op('Softmax', ['x'], { axis: 1 })],
  ['a sum over the rows', (b) => b.op('ReduceMean', ['x', b.ints([0])])],
  ['places split in two axes', (b) => b.op('Tanh', [b.op('Reshape', ['x', b.ints([-1, 2, 3])])])],
  ['places and rows exchanged', (b) => b.op('Tanh', [b.op('Transpose', ['x'], { perm: [1, 0] })])],
  ['rows and places in one', (b) => b.op('Tanh', [b.op('Reshape', ['x', b.ints([-1])])])],
  ['some of the places', (b) => b.op('Slice', ['x', b.ints([1]), b.ints([4]), b.ints([1])])],
  ['what differs between rows', (b) => b.op('Add', ['x', matrix(b, [coalitions, 1], 3)])],
  ['a product of the rows with each other', (b) => b.op('MatMul', [b.op('Transpose', ['x'], { perm: [1, 0] }), 'x'])],
];

describe('the selection stays where it is', () => {
  it.each(mixing)('before %s', async (_, build) => {
    const rows = { present: drawn([1, positions], 1), absent: drawn([1, positions], 2), positions: [positions] };
    expect((await bothWays(rows, build)).isLate).toBe(false);
  });

  it('before a product over more places than there are coalitions', async () => {
    const rows = { present: drawn([1, 8], 1), absent: drawn([2, 8], 2), positions: [8] };
    expect((await bothWays(rows, (b) => b.op('MatMul', ['x', matrix(b, [8, 3], 2)]))).isLate).toBe(false);
  });

  it('before a product with a bias for each row', async () => {
    const rows = { present: drawn([1, 6], 1), absent: drawn([1, 6], 2), positions: [6] };
    const bias = [coalitions, 1];
    const product = (b: GraphBuilder) => b.op('Gemm', ['x', matrix(b, [6, 3], 2), matrix(b, bias, 3)]);
    expect((await bothWays(rows, product)).isLate).toBe(false);
  });

  it('where coalitions differ along two axes', async () => {
    const rows = { present: drawn([1, 2, 3], 1), absent: drawn([1, 2, 3], 2), positions: [2, 3] };
    expect((await bothWays(rows, (b) => b.op('Tanh', ['x']))).isLate).toBe(false);
  });

  it('where coalitions hold all places or none', async () => {
    const rows = { present: drawn([1, 4], 1), absent: drawn([1, 4], 2), positions: [1] };
    expect((await bothWays(rows, (b) => b.op('Tanh', ['x']))).isLate).toBe(false);
  });
});
