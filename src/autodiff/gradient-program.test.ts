import { afterAll, describe, expect, it } from 'vitest';
import { drawn } from '../../test/attribution-models.ts';
import { type ReadyRows, readyRows, rowCases, rowProgram, rows, runRows } from '../../test/row-models.ts';
import type { GraphBuilder } from '../onnx/builder.ts';
import { gradientsOf } from '../runtime/gradient.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import type { Tensors } from '../runtime/runtime.ts';
import { float32, sizeOf, type Tensor } from '../tensor/tensor.ts';
import { layerMatrix, layerParameters } from './per-sample/layer-matrix.ts';
import type { Layer } from './per-sample/layers.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const row = (value: Tensor, at: number): Tensor => {
  const size = sizeOf(value.shape.slice(1));
  return {
    ...value,
    shape: [1, ...value.shape.slice(1)],
    data: value.data.slice(at * size, (at + 1) * size),
  } as Tensor;
};

/** Gradients of every row from a batch of that row alone. */
async function alone({ model, seed, inputs }: ReadyRows, wrt: readonly string[]) {
  const found: ReadonlyMap<string, Tensor<'float32'>>[] = [];
  for (let n = 0; n < seed.shape[0]; n++) {
    const own = new Map([...inputs].map(([name, value]) => [name, row(value, n)]));
    const { gradients } = await gradientsOf(model, { inputs: own, seeds: new Map([['y', row(seed, n)]]), wrt });
    found.push(gradients);
  }
  return found;
}

/** float32: sums of up to a few hundred products, in another order. */
const tolerance = 1e-5;

function expectClose(found: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  expect(found.length, what).toBe(expected.length);
  let [error, size] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    error = Math.max(error, Math.abs(found[i] - expected[i]));
    size = Math.max(size, Math.abs(expected[i]));
  }
  expect(size, what).toBeGreaterThan(0);
  expect(error / size, what).toBeLessThan(tolerance);
}

describe('gradients of single rows', () => {
  it.each(rowCases)('$name: as of every row alone', async (item) => {
    const wrt = Object.keys(item.parameters);
    const prepared = await readyRows(runtime, item);
    const built = await rowProgram(prepared, wrt, { kind: 'perSample' });
    expect(built.disconnected).toEqual([]);
    const results = await runRows(prepared, built);
    const expected = await alone(prepared, wrt);
    for (const name of wrt) {
      const found = results.get(built.results.get(name) ?? '') as Tensor<'float32'>;
      expect(found.shape).toEqual([rows, ...item.parameters[name].shape]);
      for (let n = 0; n < rows; n++) {
        expectClose(
          row(found, n).data as Float32Array,
          expected[n].get(name)?.data as Float32Array,
          `${name} of row ${n}`,
        );
      }
    }
  });

  it.each(rowCases)('$name: products with directions', async (item) => {
    const wrt = Object.keys(item.parameters);
    const prepared = await readyRows(runtime, item);
    const expected = await alone(prepared, wrt);
    for (const count of [1, 4]) {
      const directions = new Map(wrt.map((name, i) => [name, drawn([count, ...item.parameters[name].shape], 20 + i)]));
      const built = await rowProgram(prepared, wrt, { kind: 'dot', directions });
      const total = (await runRows(prepared, built)).get(built.total ?? '') as Tensor<'float32'>;
      expect(total.shape).toEqual([rows, count]);
      const sums = Array.from({ length: rows * count }, (_, at) => {
        const [n, k] = [Math.floor(at / count), at % count];
        let sum = 0;
        for (const name of wrt) {
          const [g, d] = [expected[n].get(name)?.data as Float32Array, directions.get(name)?.data as Float32Array];
          for (let i = 0; i < g.length; i++) sum += g[i] * d[k * g.length + i];
        }
        return sum;
      });
      expectClose(total.data, sums, `${count} directions`);
    }
  });

  it('a sketch keeps inner products on average, and does not change with the batch', async () => {
    const [item] = rowCases;
    const wrt = Object.keys(item.parameters);
    const prepared = await readyRows(runtime, item);
    const [first] = await alone(prepared, wrt);
    let norm = 0;
    for (const name of wrt) for (const value of first.get(name)?.data ?? []) norm += value * value;
    const found: number[] = [];
    for (let seed = 0; seed < 200; seed++) {
      const built = await rowProgram(prepared, wrt, { kind: 'sketch', size: 8, seed });
      const sketched = (await runRows(prepared, built)).get(built.total ?? '') as Tensor<'float32'>;
      expect(sketched.shape).toEqual([rows, 8]);
      found.push(sketched.data.slice(0, 8).reduce((sum, value) => sum + value * value, 0));
    }
    // E‖sketch‖² = ‖g‖², standard deviation below √(2/8)·‖g‖² for each: four standard errors of the mean of 200.
    const mean = found.reduce((sum, value) => sum + value, 0) / found.length;
    expect(Math.abs(mean - norm) / norm).toBeLessThan((4 * Math.sqrt(2 / 8)) / Math.sqrt(200));
  });

  it('a layer as a matrix and back', () => {
    const layer = { name: 'W', bias: 'b', outputs: 2, inputs: 4, transposed: true, oneHot: undefined, positions: 1 };
    const parameters = { weight: float32([3, 2], [1, 2, 3, 4, 5, 6]).data, bias: float32([2], [7, 8]).data };
    const matrix = layerMatrix(layer, parameters);
    expect([...matrix]).toEqual([1, 3, 5, 7, 2, 4, 6, 8]);
    expect(layerParameters(layer, matrix)).toEqual(parameters);
  });

  const refused: [string, RegExp, (b: GraphBuilder) => string][] = [
    [
      'rows that are joined',
      /rows of a batch cannot be told apart/,
      (b) => {
        const centred = b.op('Sub', ['x', b.op('ReduceMean', ['x', b.ints([0])], { keepdims: 1 })]);
        return b.op('MatMul', [b.op('Add', ['x', centred]), 'W']);
      },
    ],
    [
      'rows that are added up one after the other',
      /rows of a batch cannot be told apart/,
      (b) => b.op('MatMul', [b.op('CumSum', ['x', b.scalar(0, 'int64')]), 'W']),
    ],
    [
      'a weight that is not moved but changed',
      /do not pass from the data/,
      (b) => b.op('MatMul', ['x', b.op('Exp', ['W'])]),
    ],
  ];
  it.each(refused)('%s: refused, except one at a time', async (_, message, build) => {
    const item = { name: '', inputs: { x: drawn([rows, 4], 7) }, parameters: { W: drawn([4, 5], 1) }, build };
    const prepared = await readyRows(runtime, item);
    await expect(rowProgram(prepared, ['W'], { kind: 'perSample' })).rejects.toThrow(message);
    const one = {
      ...prepared,
      seed: row(prepared.seed, 0) as Tensor<'float32'>,
      inputs: new Map([['x', row(item.inputs.x, 0)]]),
    };
    const built = await rowProgram(one, ['W'], { kind: 'perSample' });
    const [expected] = await alone(one, ['W']);
    const found = (await runRows(one, built)).get(built.results.get('W') ?? '');
    expect(found?.shape).toEqual([1, 4, 5]);
    expect([...(found?.data ?? [])]).toEqual([...(expected.get('W')?.data ?? [])]);
  });

  it.each(rowCases)('$name: projections, squares and sums of the layers', async (item) => {
    const wrt = Object.keys(item.parameters);
    const prepared = await readyRows(runtime, item);
    const expected = await alone(prepared, wrt);
    const matrixOf = (layer: Layer, n: number) => {
      const get = (name: string) => expected[n].get(name)?.data as Float32Array;
      return layerMatrix(layer, { weight: get(layer.name), bias: layer.bias ? get(layer.bias) : undefined });
    };
    const square = (layer: Layer, side: 'inputs' | 'outputs') =>
      layer.oneHot === side ? undefined : drawn([layer[side], layer[side]], layer[side] + 40);
    const rotations = (layer: Layer) => ({ inputs: square(layer, 'inputs'), outputs: square(layer, 'outputs') });
    const weights = (layer: Layer) => drawn([layer.outputs, layer.inputs], 31);
    const small = (layer: Layer) => ({ inputs: drawn([2, layer.inputs], 5), outputs: drawn([3, layer.outputs], 6) });
    const rotated = (layer: Layer, n: number) => {
      const { inputs, outputs } = rotations(layer);
      return turned(matrixOf(layer, n), layer, transposeOf(outputs), inputs);
    };

    const moment = await rowProgram(prepared, wrt, { kind: 'secondMoment', rotations });
    expect(moment.layers.flatMap(({ name, bias }) => (bias ? [name, bias] : [name])).sort()).toEqual([...wrt].sort());
    const moments = await runRows(prepared, moment);
    for (const layer of moment.layers) {
      const sum = new Float64Array(layer.outputs * layer.inputs);
      for (let n = 0; n < rows; n++) for (const [i, value] of rotated(layer, n).entries()) sum[i] += value ** 2;
      expectClose(data(moments, moment.results.get(layer.name)), sum, `second moment of ${layer.name}`);
    }

    const quadratic = await rowProgram(prepared, wrt, { kind: 'quadratic', rotations, weights });
    const norms = await runRows(prepared, quadratic);
    for (const layer of quadratic.layers) {
      const w = weights(layer).data;
      const sums = Array.from({ length: rows }, (_, n) =>
        rotated(layer, n).reduce((sum, v, i) => sum + w[i] * v * v, 0),
      );
      expectClose(data(norms, quadratic.results.get(layer.name)), sums, `squares of ${layer.name}`);
    }

    const projection = await rowProgram(prepared, wrt, { kind: 'project', matrices: small });
    const projected = await runRows(prepared, projection);
    for (const layer of projection.layers) {
      const { inputs, outputs } = small(layer);
      const all = Array.from({ length: rows }, (_, n) => [
        ...turned(matrixOf(layer, n), layer, outputs, transposeOf(inputs)),
      ]).flat();
      expectClose(data(projected, projection.results.get(layer.name)), all, `projection of ${layer.name}`);
    }
  });
});

const data = (results: Tensors, name = '') => results.get(name)?.data as Float32Array;

function transposeOf(matrix: Tensor<'float32'> | undefined): Tensor<'float32'> | undefined {
  if (!matrix) return undefined;
  const [a, b] = matrix.shape;
  return float32(
    [b, a],
    Float32Array.from({ length: a * b }, (_, i) => matrix.data[(i % a) * b + Math.floor(i / a)]),
  );
}

/** `L G R` in float64, a factor that is left out being 1. */
function turned(
  matrix: Float32Array,
  { outputs, inputs }: Layer,
  left: Tensor<'float32'> | undefined,
  right: Tensor<'float32'> | undefined,
): Float64Array {
  const half = left ? multiply(left.data, matrix, left.shape[0], outputs, inputs) : Float64Array.from(matrix);
  const height = left ? left.shape[0] : outputs;
  return right ? multiply(half, right.data, height, inputs, right.shape[1]) : half;
}

function multiply(a: ArrayLike<number>, b: ArrayLike<number>, m: number, k: number, n: number): Float64Array {
  const result = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let l = 0; l < k; l++) for (let j = 0; j < n; j++) result[i * n + j] += a[i * k + l] * b[l * n + j];
  }
  return result;
}
