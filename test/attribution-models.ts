import { GraphBuilder } from '../src/onnx/builder.ts';
import type { Graph, ModelFunction, OnnxModel } from '../src/onnx/graph.ts';
import { createModel, type Model } from '../src/runtime/model.ts';
import type { Runtime } from '../src/runtime/runtime.ts';
import { normals, random } from '../src/tensor/random.ts';
import { float32, sizeOf, type Tensor } from '../src/tensor/tensor.ts';

/** A model of one graph, written by hand. */
export function handModel(runtime: Runtime, graph: Graph, functions: readonly ModelFunction[] = []): Model {
  const opsets = new Map([
    ['', 20],
    ['test', 1],
  ]);
  const source: OnnxModel = { irVersion: 10, producer: '', opsets, graph, functions, metadata: new Map() };
  return createModel(source, runtime, { name: 'by hand', hash: '' });
}

/** `y = build(x)` for an input x of `shape`; y of shape [batch, outputs]. */
export function modelOf(
  runtime: Runtime,
  shape: readonly number[],
  build: (builder: GraphBuilder) => string,
  outputs = 1,
): Model {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', ['batch', ...shape.slice(1)]);
  const last = build(builder);
  builder.op('Reshape', [last, builder.ints([-1, outputs])], {}, { outputs: ['y'] });
  builder.output('y', 'float32', ['batch', outputs]);
  return handModel(runtime, builder.build());
}

/** Columns of x, [batch, 1] each. */
export function column(builder: GraphBuilder, index: number): string {
  return builder.op('Gather', ['x', builder.ints([index])], { axis: 1 });
}

export function matrix(builder: GraphBuilder, rows: number, columns: number, values: readonly number[]): string {
  return builder.constant(float32([rows, columns], values));
}

/** Normal weights of a given scale. */
export function drawn(shape: readonly number[], seed: number, scale = 1): Tensor<'float32'> {
  return float32(
    shape,
    normals(sizeOf(shape), random(seed)).map((value) => value * scale),
  );
}

/**
 * A small convolutional classifier, 2×8×8 → 3 classes: conv1 → relu1 → pool → conv2 → relu2 → gemm. Values are named as
 * here.
 */
export function smallClassifier(runtime: Runtime): Model {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', ['batch', 2, 8, 8]);
  const conv = (x: string, inputs: number, outputs: number, seed: number, name: string) =>
    builder.op(
      'Conv',
      [
        x,
        builder.constant(drawn([outputs, inputs, 3, 3], seed, 0.4)),
        builder.constant(drawn([outputs], seed + 1, 0.1)),
      ],
      { pads: [1, 1, 1, 1] },
      { outputs: [name] },
    );
  conv('x', 2, 4, 1, 'conv1');
  builder.op('Relu', ['conv1'], {}, { outputs: ['relu1'] });
  builder.op('MaxPool', ['relu1'], { kernel_shape: [2, 2], strides: [2, 2] }, { outputs: ['pool'] });
  conv('pool', 4, 5, 3, 'conv2');
  builder.op('Relu', ['conv2'], {}, { outputs: ['relu2'] });
  builder.op('Flatten', ['relu2'], {}, { outputs: ['flat'] });
  builder.op(
    'Gemm',
    ['flat', builder.constant(drawn([80, 3], 5, 0.3)), builder.constant(drawn([3], 6))],
    {},
    { outputs: ['y'] },
  );
  builder.output('y', 'float32', ['batch', 3]);
  return handModel(runtime, builder.build());
}

/**
 * A detector of two fixed boxes on a 1×8×8 image: left half and right half, each as sure as its half is bright.
 * Output [batch, 2, 7]: corners, objectness, two class scores.
 */
export function twoBoxDetector(runtime: Runtime): Model {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', ['batch', 1, 8, 8]);
  const half = (from: number) => {
    const part = builder.op('Slice', ['x', builder.ints([from]), builder.ints([from + 4]), builder.ints([3])]);
    return builder.op('ReduceMean', [part, builder.ints([1, 2, 3])], { keepdims: 1 });
  };
  const rows = [half(0), half(4)].map((brightness, i) => {
    const objectness = builder.op('Reshape', [brightness, builder.ints([-1, 1, 1])]);
    const zero = builder.op('Mul', [objectness, builder.scalar(0)]);
    const box = builder.op('Add', [zero, builder.constant(float32([1, 1, 4], i === 0 ? [0, 0, 4, 8] : [4, 0, 8, 8]))]);
    const classes = builder.op('Add', [zero, builder.constant(float32([1, 1, 2], i === 0 ? [0.9, 0.1] : [0.2, 0.8]))]);
    return builder.op('Concat', [box, objectness, classes], { axis: 2 });
  });
  builder.op('Concat', rows, { axis: 1 }, { outputs: ['y'] });
  builder.output('y', 'float32', ['batch', 2, 7]);
  return handModel(runtime, builder.build());
}
