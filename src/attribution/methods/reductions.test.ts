import { afterAll, describe, expect, it } from 'vitest';
import { matrix, modelOf } from '../../../test/attribution-models.ts';
import type { GraphBuilder } from '../../onnx/builder.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { toNumbers } from '../../tensor/convert.ts';
import { float32, type Tensor } from '../../tensor/tensor.ts';
import { attribute } from '../attribute.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const deepLift = (build: (b: GraphBuilder) => string, x: readonly number[], x0: readonly number[]) =>
  attribute(
    modelOf(runtime, [1, x.length], (b) => build(b)),
    {
      inputs: new Map([['x', float32([1, x.length], x)]]),
      target: { kind: 'output', index: [0] },
      baseline: { kind: 'input', tensor: float32([1, x.length], x0), description: 'by hand' },
      method: 'deep-lift',
    },
  );

describe('DeepLIFT through norms and other reductions', () => {
  it('shares a length by the squares: |(3, 4)| = 5 as 5·9/25 and 5·16/25', async () => {
    const { values, gradientNotes } = await deepLift((b) => b.op('ReduceL2', ['x', b.ints([1])]), [3, 4], [0, 0]);
    const [a, b] = toNumbers(values.get('x') as Tensor);
    expect(a).toBeCloseTo(1.8, 5);
    expect(b).toBeCloseTo(3.2, 5);
    expect(gradientNotes).toEqual([]);
  });

  const operators = [
    'ReduceL1',
    'ReduceL2',
    'ReduceSumSquare',
    'ReduceLogSum',
    'ReduceLogSumExp',
    'ReduceMax',
    'ReduceMin',
  ];

  it.each(operators)('adds up where a row is divided by its %s', async (op) => {
    for (const keepdims of [0, 1]) {
      const { error, attributionTarget, gradientNotes } = await deepLift(
        (b) => {
          const norm = b.op(op, ['x', b.ints([-1])], { keepdims });
          return b.op('MatMul', [b.op('Div', ['x', norm]), matrix(b, 3, 1, [1, 3, -2])]);
        },
        [1, 2, 0.7],
        [0.5, 0.9, 1.4],
      );
      expect(gradientNotes).toEqual([]);
      expect(Math.abs(attributionTarget ?? 0)).toBeGreaterThan(0.05);
      expect(error).toBeLessThan(1e-5);
    }
  });
});
