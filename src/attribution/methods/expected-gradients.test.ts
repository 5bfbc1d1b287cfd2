import { afterAll, describe, expect, it } from 'vitest';
import { modelOf } from '../../../test/attribution-models.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { float32, type Tensor } from '../../tensor/tensor.ts';
import { attribute } from '../attribute.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

describe('expected gradients of x², x = 1 against 0', () => {
  it('take one point of each quarter: A = ¼ Σ 2t lies between (0 + 1 + 2 + 3)/8 and (1 + 2 + 3 + 4)/8', async () => {
    const model = modelOf(runtime, [1, 1], (builder) => builder.op('Mul', ['x', 'x']));
    for (const seed of [1, 2, 3]) {
      const { values } = await attribute(model, {
        inputs: new Map([['x', float32([1, 1], [1])]]),
        target: { kind: 'output', index: [0] },
        baseline: { kind: 'zero' },
        method: 'expected-gradients',
        parameters: { samples: 4, seed },
      });
      const [value] = (values.get('x') as Tensor<'float32'>).data;
      expect(value).toBeGreaterThan(0.75);
      expect(value).toBeLessThan(1.25);
    }
  });
});
