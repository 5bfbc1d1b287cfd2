import { afterAll, describe, expect, it } from 'vitest';
import { drawn, handModel } from '../../../test/attribution-models.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import { gradientsOf } from '../../runtime/gradient.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import type { Tensors } from '../../runtime/runtime.ts';
import { float32, int64, sizeOf, type Tensor } from '../../tensor/tensor.ts';
import { buildRowProgram } from '../gradient-program.ts';
import { covarianceOf, type RowReduction } from './reductions.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const rows = 3;

/** A layer `h` of x with weight W and bias b; y = tanh(h). */
async function covariances(
  x: Tensor,
  parameters: Readonly<Record<string, Tensor<'float32'>>>,
  layer: (b: GraphBuilder) => void,
  options: { readonly weights?: Tensor<'float32'>; readonly runs?: number } = {},
) {
  const b = new GraphBuilder();
  b.input('x', x.type, x.shape);
  for (const [name, value] of Object.entries(parameters)) b.initializer(name, value);
  layer(b);
  b.op('Tanh', ['h'], {}, { outputs: ['y'] });
  b.output('y', 'float32');
  const model = handModel(runtime, b.build());
  const inputs: Tensors = new Map([['x', x]]);
  const shape = ((await model.executor.run(model.graph, inputs, ['y'])).get('y') as Tensor).shape;
  const seed = drawn(shape, 11);
  const s = await gradientsOf(model, { inputs, seeds: new Map([['y', seed]]), wrt: ['h'] });

  const { graph, facts } = await model.executor.specialise(model.graph, inputs);
  const seeded = new GraphBuilder(graph);
  seeded.input('seed', 'float32', shape);
  const weights = options.weights;
  if (weights) seeded.input('weights', 'float32', weights.shape);
  const accumulate = options.runs !== undefined;
  const reduce: RowReduction = {
    kind: 'covariance',
    accumulate,
    ...(weights ? { weights: { value: 'weights', shape: weights.shape } } : {}),
  };
  const program = buildRowProgram(
    seeded.build(),
    { ...facts, shapes: new Map(facts.shapes).set('seed', shape), types: new Map(facts.types).set('seed', 'float32') },
    { seeds: new Map([['y', 'seed']]), wrt: Object.keys(parameters), rows: { inputs: ['x'], count: rows }, reduce },
  );
  const feeds = new Map<string, Tensor>([
    ...inputs,
    ['seed', seed],
    ...(weights ? [['weights', weights] as const] : []),
  ]);
  const results = new Map<string, Tensor>();
  if (accumulate) {
    const session = await runtime.open({ ...model.executor.model, graph: program.graph });
    const first = new Map([...feeds, ...program.initial]);
    for (let i = 0; i < (options.runs ?? 0); i++) await session.run(i ? feeds : first, [], { carry: program.carry });
    const read = await session.read([...program.initial.keys()]);
    for (const [key, output] of program.results) results.set(key, read.get(program.carry.get(output) ?? '') as Tensor);
    await session.release();
  } else {
    const found = await model.executor.run(program.graph, feeds, program.outputs);
    for (const [key, output] of program.results) results.set(key, found.get(output) as Tensor);
  }
  const read = (key: string) => results.get(key)?.data as Float32Array;
  const whole = (side: 'inputs' | 'outputs') => ({ data: covarianceOf(program, program.layers[0], side, read) });
  return { results, whole, layers: program.layers, s: s.gradients.get('h') as Tensor<'float32'> };
}

/** `Σ w u uᵀ` of vectors, in float64. */
function sumOfSquares(vectors: readonly (readonly number[])[], weights?: readonly number[]): number[] {
  const width = vectors[0].length;
  const sum = new Array<number>(width * width).fill(0);
  for (const [at, u] of vectors.entries()) {
    const w = weights?.[at] ?? 1;
    for (let i = 0; i < width; i++) for (let j = 0; j < width; j++) sum[i * width + j] += w * u[i] * u[j];
  }
  return sum;
}

/** float32: sums of up to a few hundred products, in another order. */
function expectClose(found: { readonly data: ArrayLike<unknown> } | undefined, expected: readonly number[]): void {
  const data = found?.data as ArrayLike<number>;
  expect(data.length).toBe(expected.length);
  let [error, size] = [0, 0];
  for (let i = 0; i < data.length; i++) {
    error = Math.max(error, Math.abs(data[i] - expected[i]));
    size = Math.max(size, Math.abs(expected[i]));
  }
  expect(error / size).toBeLessThan(1e-5);
}

const vectorsOf = ({ data, shape }: Tensor) => {
  const width = shape[shape.length - 1];
  return Array.from({ length: data.length / width }, (_, i) =>
    Array.from({ length: width }, (_, j) => Number(data[i * width + j])),
  );
};

/** Windows of a convolution and what flows back into each, one for every row, window and group, by loops. */
function windows(
  x: Tensor<'float32'>,
  s: Tensor<'float32'>,
  { outputs, kernel, strides, dilations, pads, group }: Geometry,
) {
  const [, channels, height, width] = x.shape;
  const [, , high, wide] = s.shape;
  const [perIn, perOut] = [channels / group, outputs / group];
  const [a, back]: number[][][] = [[], []];
  const at = (n: number, c: number, i: number, j: number) =>
    i < 0 || j < 0 || i >= height || j >= width ? 0 : x.data[((n * channels + c) * height + i) * width + j];
  for (let n = 0; n < rows; n++) {
    for (let g = 0; g < group; g++) {
      for (let p = 0; p < high; p++) {
        for (let q = 0; q < wide; q++) {
          const window: number[] = [];
          for (let c = 0; c < perIn; c++) {
            for (let k = 0; k < kernel[0]; k++) {
              for (let l = 0; l < kernel[1]; l++) {
                const [i, j] = [
                  p * strides[0] + k * dilations[0] - pads[0],
                  q * strides[1] + l * dilations[1] - pads[1],
                ];
                window.push(at(n, g * perIn + c, i, j));
              }
            }
          }
          a.push([...window, 1]);
          back.push(
            Array.from({ length: outputs }, (_, o) =>
              Math.floor(o / perOut) === g ? s.data[((n * outputs + o) * high + p) * wide + q] : 0,
            ),
          );
        }
      }
    }
  }
  return { a, back };
}

interface Geometry {
  readonly outputs: number;
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
  readonly group: number;
}

describe('covariances of a layer', () => {
  it('of a layer by hand: A of [1, 2, 1] and S of its gradient', async () => {
    const x = float32([rows, 2], [1, 2, 0, 0, 0, 0]);
    const W = float32([1, 2], [0, 0]);
    const { results, s } = await covariances(x, { W, b: float32([1], [0]) }, (b) =>
      b.op('Gemm', ['x', 'W', 'b'], { transB: 1 }, { outputs: ['h'] }),
    );
    // Σ of [1,2,1], [0,0,1] and [0,0,1] with themselves.
    expect([...(results.get('W/inputs')?.data ?? [])]).toEqual([1, 2, 1, 2, 4, 2, 1, 2, 3]);
    expectClose(results.get('W/outputs'), sumOfSquares(vectorsOf(s)));
  });

  it('over tokens, of which some do not count', async () => {
    const x = drawn([rows, 4, 3], 1);
    const weights = float32([rows, 4], [1, 1, 1, 0, 1, 0, 0, 0, 1, 1, 1, 1]);
    const parameters = { W: drawn([3, 2], 2), b: drawn([2], 3) };
    const layer = (b: GraphBuilder) => b.op('Add', [b.op('MatMul', ['x', 'W']), 'b'], {}, { outputs: ['h'] });
    const { results, layers, s } = await covariances(x, parameters, layer, { weights });
    expect(layers).toMatchObject([{ name: 'W', bias: 'b', outputs: 2, inputs: 4, transposed: true, positions: 4 }]);
    expectClose(
      results.get('W/inputs'),
      sumOfSquares(
        vectorsOf(x).map((a) => [...a, 1]),
        [...weights.data],
      ),
    );
    expectClose(results.get('W/outputs'), sumOfSquares(vectorsOf(s)));
  });

  const geometries: readonly Geometry[] = [
    { outputs: 4, kernel: [3, 3], strides: [1, 1], dilations: [1, 1], pads: [1, 1, 1, 1], group: 1 },
    { outputs: 4, kernel: [3, 2], strides: [2, 1], dilations: [1, 2], pads: [1, 0, 0, 1], group: 1 },
    { outputs: 4, kernel: [2, 2], strides: [1, 2], dilations: [3, 1], pads: [2, 0, 1, 1], group: 1 },
    { outputs: 6, kernel: [2, 3], strides: [1, 2], dilations: [2, 1], pads: [0, 1, 1, 1], group: 2 },
    { outputs: 4, kernel: [3, 3], strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0], group: 4 },
  ];
  it.each(geometries)(
    'of a convolution: $kernel, stride $strides, dilation $dilations, $group groups',
    async (item) => {
      const x = drawn([rows, 4, 6, 5], 1);
      const { outputs, kernel, strides, dilations, pads, group } = item;
      const parameters = { W: drawn([outputs, 4 / group, ...kernel], 2), b: drawn([outputs], 3) };
      const { results, s } = await covariances(x, parameters, (b) =>
        b.op('Conv', ['x', 'W', 'b'], { strides, dilations, pads, group }, { outputs: ['h'] }),
      );
      const { a, back } = windows(x, s, item);
      expectClose(results.get('W/inputs'), sumOfSquares(a));
      expectClose(results.get('W/outputs'), sumOfSquares(back));
    },
  );

  it.each(geometries.slice(0, 3))('of a convolution whose rows do not count alike: stride $strides', async (item) => {
    const x = drawn([rows, 4, 6, 5], 1);
    const { outputs, kernel, strides, dilations, pads, group } = item;
    const weights = float32([rows], [2, 0, 1]);
    const layer = (b: GraphBuilder) =>
      b.op('Conv', ['x', 'W', 'b'], { strides, dilations, pads, group }, { outputs: ['h'] });
    const parameters = { W: drawn([outputs, 4 / group, ...kernel], 2), b: drawn([outputs], 3) };
    const { results, s } = await covariances(x, parameters, layer, { weights });
    const { a } = windows(x, s, item);
    const ofWindows = a.map((_, at) => weights.data[Math.floor((at * rows) / a.length)]);
    expectClose(results.get('W/inputs'), sumOfSquares(a, ofWindows));
  });

  it('of a convolution in three dimensions: as in two where one of them has size 1', async () => {
    const [item] = geometries;
    const flat = drawn([rows, 4, 6, 5], 1);
    const x = float32([rows, 4, 6, 1, 5], flat.data);
    const parameters = { W: drawn([4, 4, 3, 1, 3], 2), b: drawn([4], 3) };
    const { results, s } = await covariances(x, parameters, (b) =>
      b.op('Conv', ['x', 'W', 'b'], { pads: [1, 0, 1, 1, 0, 1] }, { outputs: ['h'] }),
    );
    const { a, back } = windows(flat, float32([rows, 4, 6, 5], s.data), item);
    expectClose(results.get('W/inputs'), sumOfSquares(a));
    expectClose(results.get('W/outputs'), sumOfSquares(back));
  });

  it('of sides so wide that they come in bands', async () => {
    const [inputs, outputs] = [300, 270];
    const x = drawn([rows, 2, inputs], 1);
    const weights = float32([rows, 2], [1, 0, 2, 1, 1, 1]);
    const parameters = { W: drawn([inputs, outputs], 2, 0.05), b: drawn([outputs], 3) };
    const layer = (b: GraphBuilder) => b.op('Add', [b.op('MatMul', ['x', 'W']), 'b'], {}, { outputs: ['h'] });
    const { whole, s } = await covariances(x, parameters, layer, { weights });
    const ones = vectorsOf(x).map((a) => [...a, 1]);
    expectClose(whole('inputs'), sumOfSquares(ones, [...weights.data]));
    expectClose(whole('outputs'), sumOfSquares(vectorsOf(s)));
  });

  it('of a table: how often each of its rows is looked up', async () => {
    const x = int64([rows, 3], [0, 2, 2, 1, 2, 0, 4, 4, 4]);
    const { results, s } = await covariances(x, { E: drawn([5, 2], 2) }, (b) =>
      b.op('Gather', ['E', 'x'], {}, { outputs: ['h'] }),
    );
    expect([...(results.get('E/inputs')?.data ?? [])]).toEqual([2, 1, 3, 0, 3]);
    expectClose(results.get('E/outputs'), sumOfSquares(vectorsOf(s)));
  });

  it('are summed over runs inside the runtime', async () => {
    const x = drawn([rows, 3], 1);
    const parameters = { W: drawn([3, 2], 2) };
    const layer = (b: GraphBuilder) => b.op('MatMul', ['x', 'W'], {}, { outputs: ['h'] });
    const { results } = await covariances(x, parameters, layer, { runs: 4 });
    expectClose(
      results.get('W/inputs'),
      sumOfSquares(vectorsOf(x)).map((value) => 4 * value),
    );
    expect(sizeOf(results.get('W/outputs')?.shape ?? [])).toBe(4);
  });
});
