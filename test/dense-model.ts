import { GraphBuilder } from '../src/onnx/builder.ts';
import { encodeModel } from '../src/onnx/encode.ts';
import { drawn } from './attribution-models.ts';

/** The file of a network of two dense layers, 4 → 5 → 3: ReLU between them, values named `x`, `hidden`, `y`. */
export function denseModel(): Uint8Array {
  const builder = new GraphBuilder();
  builder.input('x', 'float32', ['batch', 4]);
  const layer = (x: string, inputs: number, outputs: number, seed: number, name: string) =>
    builder.op(
      'Gemm',
      [x, builder.constant(drawn([inputs, outputs], seed)), builder.constant(drawn([outputs], seed + 1))],
      {},
      { outputs: [name] },
    );
  layer('x', 4, 5, 1, 'first');
  builder.op('Relu', ['first'], {}, { outputs: ['hidden'] });
  layer('hidden', 5, 3, 3, 'y');
  builder.output('y', 'float32', ['batch', 3]);
  return encodeModel({
    irVersion: 10,
    producer: 'a test',
    opsets: new Map([['', 20]]),
    graph: builder.build(),
    functions: [],
    metadata: new Map(),
  });
}
