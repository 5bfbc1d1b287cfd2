import { afterAll, describe, expect, it } from 'vitest';
import { handModel } from '../../../test/attribution-models.ts';
import { GraphBuilder } from '../../onnx/builder.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { float32, int64 } from '../../tensor/tensor.ts';
import { attribute } from '../attribute.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

describe('a group that goes on through several values is hidden as a whole', () => {
  // y = a·b, with a and b two inputs: each alone takes 6 − 3 and 6 − 2, both together 6 − 1.
  const twoInputs = () => {
    const builder = new GraphBuilder();
    for (const name of ['a', 'b']) builder.input(name, 'float32', ['batch', 1]);
    builder.op('Mul', ['a', 'b'], {}, { outputs: ['y'] });
    builder.output('y', 'float32', ['batch', 1]);
    return handModel(runtime, builder.build());
  };
  const one = new Map(['a', 'b'].map((name) => [name, int64([1, 1], [0])]));
  const pair = new Map([
    ['a', float32([1, 1], [2])],
    ['b', float32([1, 1], [3])],
  ]);

  it.each(['occlusion', 'feature-ablation', 'kernel-shap', 'exact-shapley', 'shapley-sampling'] as const)(
    '%s',
    async (method) => {
      const { values, sum } = await attribute(twoInputs(), {
        inputs: pair,
        target: { kind: 'output', index: [0] },
        baseline: { kind: 'constant', value: 1 },
        method,
        groups: { kind: 'indices', tensors: one },
      });
      expect(sum).toBeCloseTo(5, 5);
      expect(values.get('a')?.data[0]).toBeCloseTo(2.5, 5);
      expect(values.get('b')?.data[0]).toBeCloseTo(2.5, 5);
    },
  );
});
