import { describe, expect, it } from 'vitest';
import { runModel } from '../../../test/run-model.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import type { OnnxModel } from '../../onnx/graph.ts';
import { inferTypes } from '../../onnx/types.ts';
import { random } from '../../tensor/random.ts';
import { float32, sizeOf } from '../../tensor/tensor.ts';
import { differentiate } from '../differentiate.ts';

interface Case {
  readonly way: string;
  readonly batch: number;
  readonly channels: number;
  readonly outputs: number;
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly pad: number;
  /** Operators that tell this way of computing from the others. */
  readonly uses: string;
  readonly without: string;
}

// Shapes on either side of every limit of the rule; a kernel that is not square to a stride, and padding on both sides.
const cases: readonly Case[] = [
  {
    way: 'few channels: all taps at once',
    batch: 2,
    channels: 3,
    outputs: 4,
    size: 11,
    kernel: 3,
    stride: 2,
    pad: 1,
    uses: 'Gemm',
    without: 'FusedMatMul',
  },
  {
    way: 'few windows: all taps at once',
    batch: 1,
    channels: 18,
    outputs: 20,
    size: 4,
    kernel: 3,
    stride: 1,
    pad: 1,
    uses: 'Gemm',
    without: 'FusedMatMul',
  },
  {
    way: 'many windows a sample: a product per sample',
    batch: 2,
    channels: 17,
    outputs: 5,
    size: 24,
    kernel: 3,
    stride: 1,
    pad: 1,
    uses: 'FusedMatMul',
    without: 'Gemm',
  },
  {
    way: 'many windows a sample, 1 × 1',
    batch: 2,
    channels: 4,
    outputs: 5,
    size: 23,
    kernel: 1,
    stride: 1,
    pad: 0,
    uses: 'FusedMatMul',
    without: 'Concat',
  },
  {
    // The last window ends where the values do: a tap must be cut out nevertheless.
    way: '1 × 1, every second value',
    batch: 2,
    channels: 17,
    outputs: 5,
    size: 9,
    kernel: 1,
    stride: 2,
    pad: 0,
    uses: 'Slice',
    without: 'FusedMatMul',
  },
  {
    way: 'else a product for every tap',
    batch: 3,
    channels: 17,
    outputs: 6,
    size: 9,
    kernel: 2,
    stride: 1,
    pad: 1,
    uses: 'Gemm',
    without: 'FusedMatMul',
  },
  {
    way: 'one sample',
    batch: 1,
    channels: 17,
    outputs: 6,
    size: 12,
    kernel: 5,
    stride: 2,
    pad: 2,
    uses: 'Gemm',
    without: 'FusedMatMul',
  },
];

/** The definition, summed in float64: `∂W[o, c, t] = Σ_{n, q} g[n, o, q] · x[n, c, q·stride + t − pad]`. */
function expected(
  { batch, channels, outputs, size, kernel, stride, pad }: Case,
  x: Float32Array,
  g: Float32Array,
): Float64Array {
  const windows = Math.floor((size + 2 * pad - kernel) / stride) + 1;
  const sums = new Float64Array(outputs * channels * kernel * kernel);
  for (let n = 0; n < batch; n++) {
    for (let o = 0; o < outputs; o++) {
      for (let row = 0; row < windows; row++) {
        for (let column = 0; column < windows; column++) {
          const value = g[((n * outputs + o) * windows + row) * windows + column];
          for (let c = 0; c < channels; c++) {
            for (let i = 0; i < kernel; i++) {
              for (let j = 0; j < kernel; j++) {
                const [y, z] = [row * stride + i - pad, column * stride + j - pad];
                if (y < 0 || z < 0 || y >= size || z >= size) continue;
                sums[((o * channels + c) * kernel + i) * kernel + j] +=
                  value * x[((n * channels + c) * size + y) * size + z];
              }
            }
          }
        }
      }
    }
  }
  return sums;
}

describe('gradient of the weight of a convolution', () => {
  it.each(cases)('$way', async (one) => {
    const { batch, channels, outputs, size, kernel, stride, pad } = one;
    const windows = Math.floor((size + 2 * pad - kernel) / stride) + 1;
    const shapes = {
      x: [batch, channels, size, size],
      w: [outputs, channels, kernel, kernel],
      seed: [batch, outputs, windows, windows],
    };
    const builder = new GraphBuilder();
    for (const [name, shape] of Object.entries(shapes)) builder.input(name, 'float32', shape);
    const attributes = { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad] };
    const y = builder.op('Conv', ['x', 'w'], attributes);
    const graph = builder.build();
    const facts = {
      shapes: new Map(Object.entries({ ...shapes, [y]: shapes.seed })),
      types: inferTypes(graph),
      constants: new Map(),
    };
    const backward = differentiate(graph, facts, { seeds: new Map([[y, 'seed']]), wrt: ['w'] });
    const operators = backward.graph.nodes.map(({ op }) => op);
    expect(operators).toContain(one.uses);
    expect(operators).not.toContain(one.without);

    const gradient = backward.gradients.get('w') as string;
    const whole = new GraphBuilder(backward.graph);
    whole.output(gradient, 'float32', shapes.w);
    const model: OnnxModel = {
      irVersion: 9,
      producer: '',
      opsets: new Map([['', 20]]),
      graph: whole.build(),
      functions: [],
      metadata: new Map(),
    };
    const { normal } = random(1);
    const draw = (shape: readonly number[]) => float32(shape, Float32Array.from({ length: sizeOf(shape) }, normal));
    const feeds = { x: draw(shapes.x), w: draw(shapes.w), seed: draw(shapes.seed) };
    const actual = (await runModel(model, feeds, [gradient]))[gradient];
    const reference = expected(one, feeds.x.data as Float32Array, feeds.seed.data as Float32Array);
    const largest = reference.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(actual.shape).toEqual(shapes.w);
    // float32 sums of at most 1,152 products.
    reference.forEach((value, i) =>
      expect(Math.abs((actual.data as Float32Array)[i] - value) / largest).toBeLessThan(1e-5),
    );
  });
});
