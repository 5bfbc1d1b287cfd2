import { buildRowProgram, type RowProgram } from '../src/autodiff/gradient-program.ts';
import type { RowReduction } from '../src/autodiff/per-sample/reductions.ts';
import { GraphBuilder } from '../src/onnx/builder.ts';
import type { Model } from '../src/runtime/model.ts';
import type { Runtime, Tensors } from '../src/runtime/runtime.ts';
import { float32, int64, sizeOf, type Tensor } from '../src/tensor/tensor.ts';
import { drawn, handModel } from './attribution-models.ts';

/** A model with parameters that can be used in many ways, and a batch. */
export interface RowCase {
  readonly name: string;
  /** Inputs of one batch; the rows are the first axis. */
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** Parameters; the result is the output y. */
  readonly parameters: Readonly<Record<string, Tensor<'float32'>>>;
  readonly build: (b: GraphBuilder) => string;
}

/** Rows of every batch. */
export const rows = 3;
const x = (shape: readonly number[]) => ({ x: drawn([rows, ...shape], 7) });
const ids = (shape: readonly number[], most: number) =>
  int64(
    [rows, ...shape],
    Array.from({ length: rows * sizeOf(shape) }, (_, i) => (i * 7 + 3) % most),
  );
const conv = (attributes: Record<string, readonly number[] | number>) => (b: GraphBuilder) =>
  b.op('Tanh', [b.op('Conv', ['x', 'W', 'b'], attributes)]);

/** Every way of using a parameter that has gradients of single rows. */
export const rowCases: readonly RowCase[] = [
  {
    name: 'Gemm, transposed, with α and β',
    inputs: x([4]),
    parameters: { W: drawn([5, 4], 1), b: drawn([5], 2) },
    build: (b) =>
      b.op('Tanh', [b.op('Gemm', ['x', 'W', 'b'], { transB: 1, alpha: { float: 0.5 }, beta: { float: 2 } })]),
  },
  {
    name: 'two layers',
    inputs: x([4]),
    parameters: { W: drawn([5, 4], 1), b: drawn([5], 2), V: drawn([5, 3], 3), c: drawn([3], 4) },
    build: (b) => {
      const h = b.op('Tanh', [b.op('Gemm', ['x', 'W', 'b'], { transB: 1 })]);
      return b.op('Add', [b.op('MatMul', [h, 'V']), 'c']);
    },
  },
  {
    name: 'MatMul over tokens, with a bias behind',
    inputs: x([6, 4]),
    parameters: { W: drawn([4, 5], 1), b: drawn([5], 2) },
    build: (b) => b.op('Tanh', [b.op('Add', [b.op('MatMul', ['x', 'W']), 'b'])]),
  },
  {
    name: 'Gemm over tokens in one axis',
    inputs: x([6, 4]),
    parameters: { W: drawn([5, 4], 1), b: drawn([5], 2) },
    build: (b) => {
      const flat = b.op('Reshape', ['x', b.ints([-1, 4])]);
      const y = b.op('Tanh', [b.op('Gemm', [flat, 'W', 'b'], { transB: 1 })]);
      return b.op('Reshape', [y, b.ints([-1, 6, 5])]);
    },
  },
  {
    name: 'tokens in front of the rows',
    inputs: x([6, 4]),
    parameters: { W: drawn([4, 5], 1), b: drawn([5], 2), s: drawn([5], 3) },
    build: (b) => {
      const turned = b.op('Transpose', ['x'], { perm: [1, 0, 2] });
      const y = b.op('Mul', [b.op('Tanh', [b.op('Add', ['b', b.op('MatMul', [turned, 'W'])])]), 's']);
      return b.op('Transpose', [y], { perm: [1, 0, 2] });
    },
  },
  {
    name: 'a weight in front',
    inputs: x([4, 6]),
    parameters: { W: drawn([5, 4], 1) },
    build: (b) => b.op('Tanh', [b.op('MatMul', ['W', 'x'])]),
  },
  {
    name: 'weights of heads',
    inputs: x([2, 6, 4]),
    parameters: { W: drawn([2, 4, 5], 1) },
    build: (b) => b.op('Tanh', [b.op('MatMul', ['x', 'W'])]),
  },
  {
    name: 'convolution',
    inputs: x([2, 7, 7]),
    parameters: { W: drawn([4, 2, 3, 3], 1), b: drawn([4], 2) },
    build: conv({ pads: [1, 1, 1, 1] }),
  },
  {
    name: 'convolution of many channels, strides, no bias',
    inputs: x([18, 7, 6]),
    parameters: { W: drawn([4, 18, 3, 3], 1) },
    build: (b) => b.op('Tanh', [b.op('Conv', ['x', 'W'], { pads: [1, 0, 1, 1], strides: [2, 2] })]),
  },
  {
    name: 'convolution with dilations',
    inputs: x([3, 9, 8]),
    parameters: { W: drawn([4, 3, 3, 2], 1), b: drawn([4], 2) },
    build: conv({ pads: [2, 1, 2, 0], strides: [1, 2], dilations: [2, 3] }),
  },
  {
    name: 'grouped convolution',
    inputs: x([6, 6, 6]),
    parameters: { W: drawn([9, 2, 3, 3], 1), b: drawn([9], 2) },
    build: conv({ group: 3, strides: [2, 1], pads: [1, 1, 1, 1] }),
  },
  {
    name: 'depthwise convolution of one axis',
    inputs: x([4, 9]),
    parameters: { W: drawn([4, 1, 3], 1), b: drawn([4], 2) },
    build: conv({ group: 4, strides: [2] }),
  },
  {
    name: 'convolution to one position',
    inputs: x([2, 3, 3]),
    parameters: { W: drawn([4, 2, 3, 3], 1), b: drawn([4], 2) },
    build: conv({}),
  },
  {
    name: 'transposed convolution',
    inputs: x([4, 4, 4]),
    parameters: { W: drawn([4, 3, 3, 3], 1), b: drawn([6], 2) },
    build: (b) =>
      b.op('Tanh', [b.op('ConvTranspose', ['x', 'W', 'b'], { group: 2, strides: [2, 2], pads: [1, 1, 0, 0] })]),
  },
  {
    name: 'embedding with positions, tied to the output',
    inputs: { x: ids([5], 7) },
    parameters: { E: drawn([7, 4], 1), P: drawn([8, 4], 2), b: drawn([7], 3) },
    build: (b) => {
      const positions = b.op('Slice', ['P', b.ints([1]), b.ints([6]), b.ints([0])]);
      const h = b.op('Tanh', [b.op('Add', [b.op('Gather', ['E', 'x']), positions])]);
      return b.op('Add', [b.op('MatMul', [h, b.op('Transpose', ['E'], { perm: [1, 0] })]), 'b']);
    },
  },
  {
    name: 'a table',
    inputs: { x: int64([rows, 4], [1, 1, 3, -1, 0, 5, 5, 5, 2, 2, 3, 4]) },
    parameters: { E: drawn([7, 3], 1) },
    build: (b) => b.op('Tanh', [b.op('Gather', ['E', 'x'])]),
  },
  {
    name: 'a class token',
    inputs: x([5, 4]),
    parameters: { T: drawn([1, 1, 4], 1), P: drawn([1, 6, 4], 2) },
    build: (b) => {
      const count = b.op('Slice', [b.op('Shape', ['x']), b.ints([0]), b.ints([1])]);
      const token = b.op('Expand', ['T', b.op('Concat', [count, b.ints([1, 4])], { axis: 0 })]);
      return b.op('Tanh', [b.op('Add', [b.op('Concat', [token, 'x'], { axis: 1 }), 'P'])]);
    },
  },
  {
    name: 'layer normalization',
    inputs: x([5, 4]),
    parameters: { g: drawn([4], 1), b: drawn([4], 2) },
    build: (b) => b.op('Tanh', [b.op('LayerNormalization', ['x', 'g', 'b'], { axis: -1 })]),
  },
  {
    name: 'batch normalization',
    inputs: x([4, 3, 3]),
    parameters: { g: drawn([4], 1), b: drawn([4], 2) },
    build: (b) =>
      b.op('Tanh', [
        b.op('BatchNormalization', [
          'x',
          'g',
          'b',
          b.constant(drawn([4], 5)),
          b.constant(float32([4], [0.5, 1, 2, 0.3])),
        ]),
      ]),
  },
  {
    name: 'instance normalization',
    inputs: x([4, 3, 3]),
    parameters: { g: drawn([4], 1), b: drawn([4], 2) },
    build: (b) => b.op('Tanh', [b.op('InstanceNormalization', ['x', 'g', 'b'])]),
  },
  {
    name: 'root mean square normalization',
    inputs: x([5, 4]),
    parameters: { g: drawn([4], 1) },
    build: (b) => {
      const square = b.op('ReduceMean', [b.op('Mul', ['x', 'x']), b.ints([-1])], { keepdims: 1 });
      return b.op('Mul', [b.op('Div', ['x', b.op('Sqrt', [b.op('Add', [square, b.scalar(1e-5)])])]), 'g']);
    },
  },
  {
    name: 'a slope, a scale and a power',
    inputs: x([4, 3]),
    parameters: { a: drawn([4, 1], 1), s: drawn([1], 2) },
    build: (b) => b.op('Div', [b.op('PRelu', ['x', 'a']), b.op('Exp', [b.op('Mul', ['x', 's'])])]),
  },
  {
    name: 'one layer used twice',
    inputs: x([4]),
    parameters: { W: drawn([4, 4], 1), b: drawn([4], 2) },
    build: (b) => {
      const layer = (value: string) => b.op('Tanh', [b.op('Gemm', [value, 'W', 'b'], { transB: 1 })]);
      return layer(layer('x'));
    },
  },
];

/** A case's model with a batch and a gradient that flows into its output y. */
export interface ReadyRows {
  readonly model: Model;
  readonly seed: Tensor<'float32'>;
  readonly inputs: Tensors;
}

/** Opens the model of a case. */
export async function readyRows(runtime: Runtime, { inputs, parameters, build }: RowCase): Promise<ReadyRows> {
  const b = new GraphBuilder();
  for (const [name, { type, shape }] of Object.entries(inputs)) b.input(name, type, ['rows', ...shape.slice(1)]);
  for (const [name, value] of Object.entries(parameters)) b.initializer(name, value);
  b.op('Identity', [build(b)], {}, { outputs: ['y'] });
  b.output('y', 'float32');
  const model = handModel(runtime, b.build());
  const feeds = new Map(Object.entries(inputs));
  const y = (await model.executor.run(model.graph, feeds, ['y'])).get('y') as Tensor;
  return { model, seed: drawn(y.shape, 11), inputs: feeds };
}

/** The program of a reduction. */
export async function rowProgram(
  { model, seed, inputs }: ReadyRows,
  wrt: readonly string[],
  reduce: RowReduction,
): Promise<RowProgram> {
  const { graph, facts } = await model.executor.specialise(model.graph, inputs);
  const b = new GraphBuilder(graph);
  b.input('seed', 'float32', seed.shape);
  const known = {
    ...facts,
    shapes: new Map(facts.shapes).set('seed', seed.shape),
    types: new Map(facts.types).set('seed', 'float32'),
  };
  return buildRowProgram(b.build(), known, {
    seeds: new Map([['y', 'seed']]),
    wrt,
    rows: { inputs: [...inputs.keys()], count: seed.shape[0] },
    reduce,
  });
}

/** Runs a program on the batch. */
export async function runRows(
  { model, seed, inputs }: ReadyRows,
  { graph, outputs }: Pick<RowProgram, 'graph' | 'outputs'>,
  more: Tensors = new Map(),
) {
  return model.executor.run(graph, new Map([...inputs, ['seed', seed], ...more]), outputs);
}
