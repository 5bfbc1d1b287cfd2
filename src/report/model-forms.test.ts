import { afterAll, describe, expect, it } from 'vitest';
import { matrix } from '../../test/attribution-models.ts';
import { type LoadedModel, loadModel } from '../data/load-model.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { encodeModel } from '../onnx/encode.ts';
import type { Graph } from '../onnx/graph.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { float32, type Tensor, tensor } from '../tensor/tensor.ts';
import { type ExplainOptions, explain } from './explain.ts';

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
