import { afterAll, describe, expect, it } from 'vitest';
import { matrix } from '../../test/attribution-models.ts';
import { loadModel } from '../data/model/load-model.ts';
import type { LoadedModel } from '../data/model/loaded-model.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { encodeModel } from '../onnx/encode.ts';
import type { Graph } from '../onnx/graph.ts';
import { gradientsOf } from '../runtime/gradient.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { convert } from '../tensor/convert.ts';
import { float32, type Tensor, tensor } from '../tensor/tensor.ts';
import { explain } from './explain.ts';
import type { ExplainOptions } from './explain-options.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

function loaded(graph: Graph, more: readonly (readonly [string, number])[] = []): Promise<LoadedModel> {
  const opsets = new Map([['', 20], ...more]);
  const source = { irVersion: 10, producer: '', opsets, functions: [], metadata: new Map() };
  return loadModel(encodeModel({ ...source, graph }), { runtime });
}

/** Attributions by method, of the input `x`. */
async function sharesOf(model: LoadedModel, x: Tensor, options: ExplainOptions) {
  const explained = await explain(model, new Map([['x', x]]), { target: { kind: 'output', index: [0] }, ...options });
  const shares = explained.map(({ document, tensors }) => {
    const { data } = tensors.get(document.attribution.x.key) as Tensor<'float32'>;
    return [document.method, Array.from(data, (value) => Math.round(value * 1e4) / 1e4)] as const;
  });
  return { documents: explained.map(({ document }) => document), shares: Object.fromEntries(shares) };
}

const weights = [2, -3, 0.5];
const bothWays = ['integrated-gradients', 'exact-shapley'] as const;

describe('models of other forms', () => {
  // y = x W at (1, 2, 4): 2·1, −3·2, ½·4.
  const expected = { 'integrated-gradients': [2, -6, 2], 'exact-shapley': [2, -6, 2] };

  it('an input that has a value in the file need not be given', async () => {
    const builder = new GraphBuilder();
    builder.input('x', 'float32', ['batch', 3]);
    builder.initializer('W', float32([3, 1], weights));
    builder.op('MatMul', ['x', 'W'], {}, { outputs: ['y'] });
    builder.output('y', 'float32', ['batch', 1]);
    const graph = builder.build();
    const model = await loaded({ ...graph, inputs: [...graph.inputs, { name: 'W', type: 'float32', shape: [3, 1] }] });
    const { shares } = await sharesOf(model, float32([1, 3], [1, 2, 4]), { methods: bothWays });
    expect(shares).toEqual(expected);
    const given = new Map([
      ['x', float32([1, 3], [1, 2, 4])],
      ['W', float32([3, 1], [0, 0, 0])],
    ]);
    await expect(explain(model, given)).rejects.toThrow(/"W" has a value in the model/);
  });

  it('float64 is computed in float32, which the notes say', async () => {
    const builder = new GraphBuilder();
    builder.input('x', 'float64', ['batch', 3]);
    builder.op(
      'MatMul',
      ['x', builder.constant(tensor('float64', [3, 1], Float64Array.from(weights)))],
      {},
      { outputs: ['y'] },
    );
    builder.output('y', 'float64', ['batch', 1]);
    const x = tensor('float64', [1, 3], Float64Array.of(1, 2, 4));
    const { shares, documents } = await sharesOf(await loaded(builder.build()), x, { methods: bothWays });
    expect(shares).toEqual(expected);
    expect(documents[0].notes.join()).toContain('float64 values are computed in float32');
  });

  it('an input without a declared shape takes that of what is given', async () => {
    const builder = new GraphBuilder();
    builder.input('x', 'float32', []);
    builder.op('MatMul', ['x', matrix(builder, 3, 1, weights)], {}, { outputs: ['y'] });
    builder.output('y', 'float32');
    const { inputs, ...graph } = builder.build();
    const model = await loaded({ ...graph, inputs: inputs.map((input) => ({ ...input, shape: undefined })) });
    const { shares } = await sharesOf(model, float32([1, 3], [1, 2, 4]), { methods: bothWays });
    expect(shares).toEqual(expected);
  });
});

describe('inputs of whole numbers', () => {
  // y = Σ_i w_i x_i² behind the cast: along the straight path from 0 the share of x_i is w_i x_i², and so is Shapley's.
  const squares = (type: 'uint8' | 'int64' | 'int32', between: (b: GraphBuilder) => string) => {
    const builder = new GraphBuilder();
    builder.input('x', type, ['batch', 3]);
    const floats = between(builder);
    builder.op('MatMul', [builder.op('Mul', [floats, floats]), matrix(builder, 3, 1, weights)], {}, { outputs: ['y'] });
    builder.output('y', 'float32', ['batch', 1]);
    return loaded(builder.build());
  };
  const cast = (b: GraphBuilder, value = 'x') => b.op('Cast', [value], { to: 1 });
  const bytes = tensor('uint8', [1, 3], Uint8Array.of(1, 2, 4));
  const expected = { 'integrated-gradients': [2, -12, 8], 'exact-shapley': [2, -12, 8] };

  it.each(['uint8', 'int64', 'int32'] as const)('%s: gradients pass the cast', async (type) => {
    const { shares, documents } = await sharesOf(await squares(type, cast), convert(bytes, type), {
      methods: bothWays,
    });
    expect(shares).toEqual(expected);
    expect(documents[0].baseline).toEqual({ kind: 'zero' });
    expect(documents[0].input.tensors.x.type).toBe(type);
    expect(documents[0].baselineTensors.x.type).toBe(type);
    expect(documents[0].notes.join()).toContain(`input "x": its ${type} elements are taken as real numbers`);
    expect(documents[1].notes.join()).not.toContain('real numbers');
  });

  it('raw gradients pass the cast as well, which the notes say', async () => {
    const model = await squares('uint8', cast);
    const { gradients, notes } = await gradientsOf(model, {
      inputs: new Map([['x', bytes]]),
      seeds: new Map([['y', float32([1, 1], [1])]]),
      wrt: ['x'],
    });
    // 2 w x
    expect([...(gradients.get('x')?.data ?? [])]).toEqual([4, -12, 4]);
    expect(notes).toMatchObject([{ code: 'whole-numbers', node: 'x' }]);
  });

  it('moved, widened and dequantised before they are floats', async () => {
    const moved = (b: GraphBuilder) => {
      const wide = b.op('Cast', [b.op('Reshape', ['x', b.ints([-1, 3, 1])])], { to: 6 });
      return b.op('Squeeze', [cast(b, wide), b.ints([2])]);
    };
    expect((await sharesOf(await squares('uint8', moved), bytes, { methods: bothWays })).shares).toEqual(expected);
    // (x − 1)·½ squared: ¼ Σ w (x − 1)², against x = 1: 0, −¾, ⅛·9.
    const dequantised = (b: GraphBuilder) => {
      const zero = b.constant(tensor('uint8', [], Uint8Array.of(1)));
      return b.op('DequantizeLinear', ['x', b.scalar(0.5), zero]);
    };
    const baseline = { kind: 'constant', value: 1 } as const;
    const { shares } = await sharesOf(await squares('uint8', dequantised), bytes, { methods: bothWays, baseline });
    expect(shares).toEqual({ 'integrated-gradients': [0, -0.75, 1.125], 'exact-shapley': [0, -0.75, 1.125] });
  });

  it('what is computed with whole numbers is explained behind it by gradients, and needs none to be hidden', async () => {
    const doubled = (b: GraphBuilder) => cast(b, b.op('Add', ['x', 'x']));
    const model = await squares('int32', doubled);
    const [gradients] = await explain(model, new Map([['x', convert(bytes, 'int32')]]), {
      target: { kind: 'output', index: [0] },
    });
    // (2x)²: four times as much.
    expect(gradients.document.attributionTarget).toBeCloseTo(-8, 4);
    expect(gradients.document.layer).not.toEqual(['x']);
    expect(gradients.document.notes.join()).toContain('computes with whole numbers first');
    const { shares } = await sharesOf(model, convert(bytes, 'int32'), { methods: ['exact-shapley'] });
    expect(shares['exact-shapley']).toEqual([8, -48, 32]);
  });

  it('the mean of whole numbers is a whole number, for gradients as well', async () => {
    // (1 + 2 + 4)/3 = 2.33 → 2: 2·(1 − 4), 0, ½·(16 − 4).
    const { shares } = await sharesOf(await squares('uint8', cast), bytes, {
      methods: bothWays,
      baseline: { kind: 'mean' },
    });
    expect(shares).toEqual({ 'integrated-gradients': [-6, 0, 6], 'exact-shapley': [-6, 0, 6] });
  });

  it('tokens of a quantised table are explained at all places where they become numbers', async () => {
    // y = Σ a + Σ 2 b, where a and b are the same rows, made real before and behind a transposition: 3 · 0.5 · (1, 2, 3).
    const builder = new GraphBuilder();
    builder.input('x', 'int64', ['batch', 2]);
    const table = builder.constant(tensor('int8', [3, 1], Int8Array.of(1, 2, 3)));
    const rows = builder.op('Gather', [table, 'x']);
    const real = (value: string, name: string) =>
      builder.op('DequantizeLinear', [value, builder.scalar(0.5)], {}, { outputs: [name] });
    const [a, b] = [real(rows, 'a'), real(builder.op('Transpose', [rows], { perm: [0, 2, 1] }), 'b')];
    const sum = (value: string) => builder.op('ReduceSum', [value, builder.ints([1, 2])], { keepdims: 0 });
    const both = builder.op('Add', [sum(a), builder.op('Mul', [sum(b), builder.scalar(2)])]);
    builder.op('Unsqueeze', [both, builder.ints([1])], {}, { outputs: ['y'] });
    builder.output('y', 'float32', ['batch', 1]);
    const [{ document }] = await explain(
      await loaded(builder.build()),
      new Map([['x', tensor('int64', [1, 2], BigInt64Array.of(1n, 2n))]]),
      { baseline: { kind: 'tokens', id: 0 }, target: { kind: 'output', index: [0] } },
    );
    expect(document.layer).toEqual(['a', 'b']);
    expect(document.isCut).toBe(true);
    // (2 − 1) and (3 − 1) steps of the table.
    expect(document.attributionTarget).toBeCloseTo(4.5, 5);
    expect(document.sum).toBeCloseTo(4.5, 5);
  });

  it('numbers are no baseline for ids of tokens', async () => {
    const builder = new GraphBuilder();
    builder.input('x', 'int64', ['batch', 2]);
    const embedded = builder.op('Gather', [builder.constant(float32([3, 1], [1, 2, 3])), 'x']);
    builder.op('ReduceSum', [embedded, builder.ints([1])], { keepdims: 0 }, { outputs: ['y'] });
    builder.output('y', 'float32', ['batch', 1]);
    const x = tensor('int64', [1, 2], BigInt64Array.of(1n, 2n));
    const asked = sharesOf(await loaded(builder.build()), x, { baseline: new Map([['x', { kind: 'zero' }]]) });
    await expect(asked).rejects.toThrow(/zero baseline needs an input of numbers.*ids of tokens/);
  });
});

describe('missing values', () => {
  // y = Σ w q, where q is 1 in place of what is missing: (NaN, 2, 4) → 2·1 − 3·2 + ½·4; against 0: each its own share.
  const handled = () => {
    const builder = new GraphBuilder();
    builder.input('x', 'float32', ['batch', 3]);
    const filled = builder.op('Where', [builder.op('IsNaN', ['x']), builder.scalar(1), 'x']);
    builder.op('MatMul', [filled, matrix(builder, 3, 1, weights)], {}, { outputs: ['y'] });
    builder.output('y', 'float32', ['batch', 1]);
    return loaded(builder.build());
  };
  const x = float32([1, 3], [Number.NaN, 2, 4]);

  it('are values where the model handles them', async () => {
    const { shares } = await sharesOf(await handled(), x, { methods: ['exact-shapley', 'feature-ablation'] });
    expect(shares).toEqual({ 'exact-shapley': [2, -6, 2], 'feature-ablation': [2, -6, 2] });
    const { documents } = await sharesOf(await handled(), x, {});
    expect(documents[0].method).toBe('occlusion');
  });

  it('in the baseline as well; what is missing in both has no share', async () => {
    const given = { kind: 'input', tensor: float32([1, 3], [Number.NaN, 0, Number.NaN]), description: '' } as const;
    const { shares } = await sharesOf(await handled(), x, { methods: ['exact-shapley'], baseline: given });
    // The last: ½·(4 − 1).
    expect(shares['exact-shapley']).toEqual([0, -6, 1.5]);
  });

  it('have nothing between them and a number for gradients', async () => {
    const asked = sharesOf(await handled(), x, { methods: ['integrated-gradients'] });
    await expect(asked).rejects.toThrow(/input "x" lacks values.*exact-shapley/);
  });

  it('are refused with their place where nothing handles them, and so is infinity', async () => {
    const builder = new GraphBuilder();
    builder.input('x', 'float32', ['batch', 3]);
    builder.op('MatMul', ['x', matrix(builder, 3, 1, weights)], {}, { outputs: ['y'] });
    builder.output('y', 'float32', ['batch', 1]);
    const plain = await loaded(builder.build());
    await expect(sharesOf(plain, x, {})).rejects.toThrow(/NaN at \[0,0\].*nothing in the model handles them/);
    const infinite = float32([1, 3], [1, 2, Number.POSITIVE_INFINITY]);
    await expect(sharesOf(await handled(), infinite, {})).rejects.toThrow(/Infinity at \[0,2\]/);
  });
});

describe('models that draw at random', () => {
  const noisy = (build: (b: GraphBuilder, y: string) => string) => {
    const builder = new GraphBuilder();
    builder.input('x', 'float32', ['batch', 3]);
    const y = builder.op('MatMul', ['x', builder.initializer('W', float32([3, 1], weights))]);
    builder.op('Identity', [build(builder, y)], {}, { outputs: ['y'] });
    builder.output('y', 'float32', ['batch', 1]);
    return loaded(builder.build());
  };

  it.each<[string, ExplainOptions['methods'], (b: GraphBuilder, y: string) => string]>([
    [
      'noise of the shape of a value',
      bothWays,
      (b: GraphBuilder, y: string) => b.op('Add', [y, b.op('RandomNormalLike', [y])]),
    ],
    [
      'a dropout left in training mode',
      ['exact-shapley'],
      (b: GraphBuilder, y: string) =>
        b.op('Dropout', [y, b.constant(float32([], [0.5])), b.constant(tensor('bool', [], Uint8Array.of(1)))]),
    ],
  ])('%s: say so, and call no gradient cut off', async (_, methods, build) => {
    const model = await noisy(build);
    const { documents } = await sharesOf(model, float32([1, 3], [1, 2, 4]), { methods });
    for (const { gradientNotes } of documents) {
      expect(gradientNotes.map(({ code }) => code)).toEqual(['random']);
      expect(gradientNotes[0].text).toMatch(/draws at random: every run of the model has other values/);
    }
  });

  it('a dropout that passes everything on does not draw', async () => {
    const model = await noisy((b, y) =>
      b.op('Dropout', [y, b.constant(float32([], [0.5])), b.constant(tensor('bool', [], Uint8Array.of(0)))]),
    );
    const { shares, documents } = await sharesOf(model, float32([1, 3], [1, 2, 4]), { methods: bothWays });
    expect(shares['integrated-gradients']).toEqual([2, -6, 2]);
    expect(documents.flatMap(({ gradientNotes }) => gradientNotes)).toEqual([]);
  });
});
