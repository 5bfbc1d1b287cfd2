import type { InputLayout } from '../src/attribution/baseline.ts';
import { GraphBuilder } from '../src/onnx/builder.ts';
import type { OnnxModel } from '../src/onnx/graph.ts';
import { createModel, type Model } from '../src/runtime/model.ts';
import { createNodeRuntime } from '../src/runtime/node.ts';
import { float32, type Tensor } from '../src/tensor/tensor.ts';

/** Models that can be computed by hand, for tests of metrics. */

/** One for all files of tests that share a process: it ends with it. */
const runtime = createNodeRuntime({ threads: 1 });

function modelOf(builder: GraphBuilder, hash: string): Model {
  const source: OnnxModel = {
    irVersion: 10,
    producer: '',
    opsets: new Map([['', 20]]),
    graph: builder.build(),
    functions: [],
    metadata: new Map(),
  };
  return createModel(source, runtime, { name: hash, hash });
}

/** `f(x) = Σ w_i x_i`, one output. */
export function linearModel(weights: readonly number[]): Model {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', ['batch', weights.length]);
  builder.op('MatMul', ['x', builder.initializer('w', float32([weights.length, 1], weights))], {}, { outputs: ['y'] });
  builder.output('y', 'float32', ['batch', 1]);
  return modelOf(builder, `linear ${weights.join()}`);
}

/** `f(x) = op(x_0, x_1)` for two switches, and a third input without effect: AND = min, OR = max, XOR = |x_0 − x_1|. */
export function switchModel(kind: 'and' | 'or' | 'xor'): Model {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', ['batch', 3]);
  const part = (i: number) => builder.op('Gather', ['x', builder.ints([i])], { axis: 1 });
  const [a, b] = [part(0), part(1)];
  if (kind === 'xor') builder.op('Abs', [builder.op('Sub', [a, b])], {}, { outputs: ['y'] });
  else builder.op(kind === 'and' ? 'Min' : 'Max', [a, b], {}, { outputs: ['y'] });
  builder.output('y', 'float32', ['batch', 1]);
  return modelOf(builder, kind);
}

/** Logits `[Σ w_i x_i, 0]`: the probability of class 0 is the sigmoid of the sum. */
export function binaryModel(weights: readonly number[]): Model {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', ['batch', weights.length]);
  const columns = weights.flatMap((weight) => [weight, 0]);
  builder.op('MatMul', ['x', builder.initializer('w', float32([weights.length, 2], columns))], {}, { outputs: ['y'] });
  builder.output('y', 'float32', ['batch', 2]);
  return modelOf(builder, `binary ${weights.join()}`);
}

/** Three classes from a row: two layers with a ReLU, whose weights come from a formula. */
export function layeredModel(): Model {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', ['batch', 6]);
  const wave = (rows: number, columns: number, phase: number) =>
    float32(
      [rows, columns],
      Array.from({ length: rows * columns }, (_, i) => Math.sin(1.7 * i + phase)),
    );
  const hidden = builder.op('Relu', [builder.op('MatMul', ['x', builder.initializer('w1', wave(6, 8, 1))])]);
  builder.op('MatMul', [hidden, builder.initializer('w2', wave(8, 3, 2))], {}, { outputs: ['y'] });
  builder.output('y', 'float32', ['batch', 3]);
  return modelOf(builder, 'layered');
}

/** Side of the drawn images. */
export const side = 12;

export const imageLayout: InputLayout = { channelAxis: 1, spatialAxes: [2, 3] };

/** Pixels of the object, as offsets within 3 × 3: a plus. */
export const plus: readonly (readonly [number, number])[] = [
  [0, 1],
  [1, 0],
  [1, 1],
  [1, 2],
  [2, 1],
];

/** A black image with a plus at each of the corners. */
export function image(corners: readonly (readonly [number, number])[]): Tensor<'float32'> {
  const pixels = new Float32Array(side * side);
  for (const pixel of objectPixels(corners)) pixels[pixel] = 1;
  return float32([1, 1, side, side], pixels);
}

/** Pixels of the objects. */
export function objectPixels(corners: readonly (readonly [number, number])[]): number[] {
  return corners.flatMap(([row, column]) => plus.map(([dy, dx]) => (row + dy) * side + column + dx));
}

/**
 * Finds a plus anywhere: a matched template, +1 on the plus and −1 beside it, its best match m (at most 5), and logits
 * [4(m − 3), 0]. Class 0 has probability σ(8) ≈ .9997 with a whole plus and σ(−12) ≈ 6e-6 without one.
 */
export function templateModel(): Model {
  const kernel = new Float32Array(9).fill(-1);
  for (const [dy, dx] of plus) kernel[dy * 3 + dx] = 1;
  const builder = new GraphBuilder();
  builder.input('x', 'float32', ['batch', 1, side, side]);
  const matches = builder.op('Conv', ['x', builder.initializer('template', float32([1, 1, 3, 3], kernel))], {
    kernel_shape: [3, 3],
  });
  const best = builder.op('Flatten', [builder.op('GlobalMaxPool', [matches])], { axis: 1 });
  const logit = builder.op('Mul', [builder.op('Sub', [best, builder.scalar(3)]), builder.scalar(4)]);
  builder.op('Concat', [logit, builder.op('Sub', [logit, logit])], { axis: 1 }, { outputs: ['y'] });
  builder.output('y', 'float32', ['batch', 2]);
  return modelOf(builder, 'template');
}

/** `f(x) = Σ w_i x_i` over the elements of an image: one output, or logits `[f, 0]` of two classes. */
export function pixelModel(
  weights: readonly number[],
  kind: 'sum' | 'logits',
  shape: readonly number[] = [1, side, side],
): Model {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', ['batch', ...shape]);
  const columns = kind === 'sum' ? weights : weights.flatMap((weight) => [weight, 0]);
  const width = columns.length / weights.length;
  const flat = builder.op('Flatten', ['x'], { axis: 1 });
  const weight = builder.initializer('w', float32([weights.length, width], columns));
  builder.op('MatMul', [flat, weight], {}, { outputs: ['y'] });
  builder.output('y', 'float32', ['batch', width]);
  return modelOf(builder, `pixels ${kind} ${weights.join()}`);
}

/** A row as the input of the models above. */
export const row = (...values: number[]) => new Map([['x', float32([1, values.length], values)]]);
