import { afterAll, describe, expect, it } from 'vitest';
import { drawn, handModel } from '../../test/attribution-models.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { float32, int64, type Tensor } from '../tensor/tensor.ts';
import { withRowLoss } from '../train/row-loss.ts';
import { buildGaussNewtonProgram, buildHessianProgram } from './curvature-program.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

/** Three rows through `z = tanh(x V) W`, and the cross-entropy of its softmax; with V left out, z = x W. */
async function products(hidden: boolean, at?: string) {
  const b = new GraphBuilder();
  b.input('x', 'float32', ['rows', 2]);
  const V = drawn([2, 3], 1);
  const W = drawn([hidden ? 3 : 2, 3], 2);
  b.initializer('W', W);
  if (hidden) b.initializer('V', V);
  const h = hidden ? b.op('Tanh', [b.op('MatMul', ['x', 'V'])]) : 'x';
  b.op('MatMul', [h, 'W'], {}, { outputs: ['z'] });
  b.output('z', 'float32');
  const model = handModel(runtime, b.build());
  const row = withRowLoss(model.graph, { kind: 'cross-entropy' }, 'z', { type: 'int64', shape: [3] });
  const vectors = new Map<string, Tensor<'float32'>>([['W', drawn(W.shape, 3)]]);
  if (hidden) vectors.set('V', drawn([2, 3], 4));
  const x = float32([3, 2], [1, -0.5, 0.3, 0.8, -1.2, 0.4]);
  const feeds = new Map<string, Tensor>([
    ['x', x],
    [row.target, int64([3], [0, 2, 1])],
    [row.seed, float32([3], [1, 0.5, 2])],
    ...[...vectors].map(([name, vector]) => [`v/${name}`, vector] as const),
  ]);
  const known = await model.executor.specialise(row.graph, feeds);
  const request = {
    seeds: new Map([[row.loss, row.seed]]),
    vectors: new Map([...vectors.keys()].map((name) => [name, `v/${name}`])),
  };
  const specialise = (graph: Parameters<typeof model.executor.specialise>[0]) =>
    model.executor.specialise(graph, feeds);
  const program = at
    ? await buildGaussNewtonProgram(known, request, at, specialise)
    : await buildHessianProgram(known, request, specialise);
  const out = new GraphBuilder({ ...program.graph, outputs: [] });
  for (const name of program.products.values()) if (name) out.output(name, 'float32');
  const found = await model.executor.run(out.build(), feeds, [...program.products.values()].map(String));
  return {
    x,
    V,
    W,
    vectors,
    product: (name: string) => [...(found.get(program.products.get(name) ?? '')?.data ?? [])].map(Number),
  };
}

const mul = (a: number[][], b: number[][]) =>
  a.map((row) => b[0].map((_, j) => row.reduce((s, v, k) => s + v * b[k][j], 0)));
const turn = (a: number[][]) => a[0].map((_, j) => a.map((row) => row[j]));
const matrix = ({ shape, data }: Tensor<'float32'>) =>
  Array.from({ length: shape[0] }, (_, i) => [...data.slice(i * shape[1], (i + 1) * shape[1])]);
const softmax = (row: number[]) => {
  const e = row.map(Math.exp);
  const sum = e.reduce((s, v) => s + v, 0);
  return e.map((v) => v / sum);
};
const weights = [1, 0.5, 2];

/** `H_z u` of a cross-entropy, row by row: `w (p ∘ u − p ⟨p, u⟩)`. */
const bend = (z: number[][], u: number[][]) =>
  z.map((row, n) => {
    const p = softmax(row);
    const along = p.reduce((s, v, k) => s + v * u[n][k], 0);
    return p.map((v, k) => weights[n] * v * (u[n][k] - along));
  });

describe('products with matrices of second derivatives', () => {
  // float32, a few dozen operations.
  const close = (found: number[], expected: number[][]) => {
    const flat = expected.flat();
    expect(found).toHaveLength(flat.length);
    for (const [i, value] of flat.entries()) expect(found[i]).toBeCloseTo(value, 5);
  };

  it('of a softmax regression: xᵀ H_z x v, where Gauss-Newton is the Hessian', async () => {
    for (const at of [undefined, 'z']) {
      const { x, W, vectors, product } = await products(false, at);
      const [X, z] = [matrix(x), mul(matrix(x), matrix(W))];
      const u = mul(X, matrix(vectors.get('W') as Tensor<'float32'>));
      close(product('W'), mul(turn(X), bend(z, u)));
    }
  });

  it('Gauss-Newton of two layers: Jᵀ H_z J v, without the curvature of z', async () => {
    const { x, V, W, vectors, product } = await products(true, 'z');
    const [X, Wm] = [matrix(x), matrix(W)];
    const h = mul(X, matrix(V)).map((row) => row.map(Math.tanh));
    const slope = h.map((row) => row.map((v) => 1 - v * v));
    const inner = mul(X, matrix(vectors.get('V') as Tensor<'float32'>)).map((row, n) =>
      row.map((v, k) => v * slope[n][k]),
    );
    const first = mul(inner, Wm);
    const second = mul(h, matrix(vectors.get('W') as Tensor<'float32'>));
    const u = first.map((row, n) => row.map((v, k) => v + second[n][k]));
    const s = bend(mul(h, Wm), u);
    close(product('W'), mul(turn(h), s));
    const back = mul(s, turn(Wm)).map((row, n) => row.map((v, k) => v * slope[n][k]));
    close(product('V'), mul(turn(X), back));
  });

  it('names what does not hang together', async () => {
    await expect(products(true, 'nothing')).rejects.toThrow(/there is no value named "nothing"/);
    await expect(products(true, 'x')).rejects.toThrow(/"x" is not computed in the graph/);
  });
});
