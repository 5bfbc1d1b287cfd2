import { afterAll, expect, it } from 'vitest';
import { modelOf } from '../../test/attribution-models.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { float32 } from '../tensor/tensor.ts';
import { attribute } from './attribute.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

/** `f(x) = x³ − x`, so that `f(1) = f(−1) = f(0) = 0`. */
const cubic = modelOf(runtime, [1, 1], (builder) =>
  builder.op('Sub', [builder.op('Mul', [builder.op('Mul', ['x', 'x']), 'x']), 'x']),
);

const explain = (samples: readonly number[]) =>
  attribute(cubic, {
    inputs: new Map([['x', float32([1, 1], [1])]]),
    target: { kind: 'output', index: [0] },
    baseline: {
      kind: 'sample',
      tensors: new Map([['x', float32([samples.length, 1], [...samples])]]),
      description: '',
    },
    method: 'integrated-gradients',
    parameters: { steps: 25, maxSteps: 50 },
  });

it('a mean over samples has converged where the mean adds up, whatever a sample without a difference says', async () => {
  // T = 0 at −1: an error of any size is infinite beside it. T = −24 at 3.
  const result = await explain([-1, 3]);
  expect(result.attributionTarget).toBeCloseTo(-12, 5);
  expect(result.relativeError).toBeLessThan(1e-3);
  expect(result.converged).toBe(true);
  expect(result.chosen).toEqual({ baselines: 2, convergedAlone: 1, steps: 50 });
});

it('a mean that misses its difference has not converged', async () => {
  // T = 0 from both −1 and 0, so no number of steps brings the error below a share of it.
  const result = await explain([-1, 0]);
  expect(result.error).toBeGreaterThan(0);
  expect(result.converged).toBe(false);
  expect(result.chosen.convergedAlone).toBe(0);
});
