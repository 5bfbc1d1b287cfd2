import { describe, expect, it } from 'vitest';
import { runModel } from '../../test/run-model.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import type { Graph } from '../onnx/graph.ts';
import { inferTypes } from '../onnx/types.ts';
import { random } from '../tensor/random.ts';
import { float32, sizeOf } from '../tensor/tensor.ts';
import { gradientPlan, seedInput } from './plan.ts';

const count = 3;
const draw = (seed: number, shape: readonly number[]) =>
  float32(shape, Float32Array.from({ length: sizeOf(shape) }, random(seed).normal));

/** `f(a, b) = Σ tanh(conv(a + b))` at three points; the gradients of a and b are one value. */
function example(bias: boolean) {
  const builder = new GraphBuilder();
  const shape = [count, 2, 5, 5];
  const sum = builder.op('Add', [builder.input('a', 'float32', shape), builder.input('b', 'float32', shape)]);
  const weight = builder.initializer('weight', draw(1, [4, 2, 3, 3]));
  const inputs = bias ? [sum, weight, builder.initializer('bias', draw(2, [4]))] : [sum, weight];
  const convolved = builder.op('Conv', inputs, { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
  const bent = builder.op('Tanh', [convolved]);
  const target = builder.op('ReduceSum', [bent, builder.ints([1, 2, 3])], { keepdims: 0 });
  const graph = builder.build();
  const wide = [count, 4, 5, 5];
  const shapes = new Map([
    ...['a', 'b', sum].map((name) => [name, shape] as const),
    ['weight', [4, 2, 3, 3]] as const,
    ...[convolved, bent].map((name) => [name, wide] as const),
    [target, [count]] as const,
  ]);
  const axes = new Map(
    [...graph.initializers.values()].flatMap(({ name, location }) =>
      location.kind === 'memory' ? [[name, location.tensor] as const] : [],
    ),
  );
  return { target, specialised: { graph, facts: { shapes, types: inferTypes(graph), constants: axes } } };
}

const run = (graph: Graph, feeds: Parameters<typeof runModel>[1]) =>
  runModel(
    { irVersion: 9, producer: '', opsets: new Map([['', 20]]), graph, functions: [], metadata: new Map() },
    feeds,
  );

describe('the sum of a gradient over points', () => {
  it.each([false, true])('is that of the gradients point by point (bias %s)', async (bias) => {
    const { target, specialised } = example(bias);
    const feeds = {
      a: draw(3, [count, 2, 5, 5]),
      b: draw(4, [count, 2, 5, 5]),
      [seedInput]: float32([count], [1, -2, 0.5]),
    };
    const request = { target, wrt: ['a', 'b'] };
    const summed = gradientPlan(specialised, { ...request, perPoint: false, absorbZeros: false });
    const single = gradientPlan(specialised, { ...request, perPoint: true, absorbZeros: false });
    const [actual, rows] = [await run(summed.graph, feeds), await run(single.graph, feeds)];
    for (const name of request.wrt) {
      const one = actual[summed.gradients.get(name) as string];
      const each = rows[single.gradients.get(name) as string].data as Float32Array;
      expect(one.shape).toEqual([1, 2, 5, 5]);
      // The same numbers added in another order.
      (one.data as Float32Array).forEach((value, i) =>
        expect(value).toBeCloseTo(each[i] + each[50 + i] + each[100 + i], 5),
      );
    }
    // The last convolution runs on the sum.
    expect(summed.graph.nodes.findLast(({ op }) => op === 'Conv' || op === 'ReduceSum')?.op).toBe('Conv');
  });
});
