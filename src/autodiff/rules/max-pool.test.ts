import { afterAll, describe, expect, it } from 'vitest';
import { handModel } from '../../../test/attribution-models.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import { gradientsOf } from '../../runtime/gradient.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { random } from '../../tensor/random.ts';
import { float32, sizeOf, type Tensor } from '../../tensor/tensor.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

async function gradientOf(x: Tensor<'float32'>, kernel: readonly number[], seed: Tensor<'float32'>) {
  const b = new GraphBuilder();
  b.input('x', 'float32', x.shape);
  b.op('MaxPool', ['x'], { kernel_shape: kernel, strides: kernel }, { outputs: ['y'] });
  b.output('y', 'float32');
  const model = handModel(runtime, b.build());
  const found = await gradientsOf(model, { inputs: new Map([['x', x]]), seeds: new Map([['y', seed]]), wrt: ['x'] });
  return found.gradients.get('x') as Tensor<'float32'>;
}

/** Every window by loops: the first of the largest elements, the last axis fastest. */
function byLoops(x: Tensor<'float32'>, [high, wide]: readonly number[], seed: Tensor<'float32'>): Float32Array {
  const [planes, height, width] = [x.shape[0] * x.shape[1], x.shape[2], x.shape[3]];
  const [rows, columns] = seed.shape.slice(2);
  const gradient = new Float32Array(x.data.length);
  for (let at = 0; at < planes * rows * columns; at++) {
    const [plane, i, j] = [Math.floor(at / (rows * columns)), Math.floor(at / columns) % rows, at % columns];
    let best = -1;
    for (let tap = 0; tap < high * wide; tap++) {
      const place = (plane * height + i * high + Math.floor(tap / wide)) * width + j * wide + (tap % wide);
      if (best < 0 || x.data[place] > x.data[best]) best = place;
    }
    gradient[best] = seed.data[at];
  }
  return gradient;
}

describe('the gradient of a max-pool of windows side by side', () => {
  it('goes to the first of equal elements', async () => {
    const x = float32([1, 1, 4, 4], [5, 5, 0, 0, 5, 5, 0, 0, 1, 2, -3, -1, 2, 2, -1, -1]);
    const gradient = await gradientOf(x, [2, 2], float32([1, 1, 2, 2], [10, 20, 30, -40]));
    expect(Array.from(gradient.data, Math.abs)).toEqual([10, 0, 20, 0, 0, 0, 0, 0, 0, 30, 0, 40, 0, 0, 0, 0]);
    expect(gradient.data[11]).toBe(-40);
  });

  it.each([
    { sizes: [6, 8], kernel: [2, 2] },
    { sizes: [7, 5], kernel: [2, 2] },
    { sizes: [7, 9], kernel: [3, 3] },
    { sizes: [4, 9], kernel: [1, 4] },
    { sizes: [8, 9], kernel: [4, 4] },
  ])('$kernel over $sizes, with elements left over and many equal ones: as by loops', async ({ sizes, kernel }) => {
    const source = random(3);
    const draw = (shape: readonly number[], next: () => number) =>
      float32(shape, Float32Array.from({ length: sizeOf(shape) }, next));
    const x = draw([2, 3, ...sizes], () => source.integer(3) - 1);
    const seed = draw([2, 3, ...sizes.map((size, i) => Math.floor(size / kernel[i]))], () => source.normal());
    const gradient = await gradientOf(x, kernel, seed);
    // Moved, not computed: the same numbers, but for the sign of a zero.
    expect(Array.from(gradient.data, (value) => value + 0)).toEqual(Array.from(byLoops(x, kernel, seed), (v) => v + 0));
  });
});
