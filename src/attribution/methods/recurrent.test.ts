import { afterAll, describe, expect, it } from 'vitest';
import { drawn, modelOf } from '../../../test/attribution-models.ts';
import { createNodeRuntime } from '../../runtime/node.ts';
import { float32 } from '../../tensor/tensor.ts';
import { attribute } from '../attribute.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const [time, features, hidden] = [4, 3, 5];
const gates = { RNN: 1, GRU: 3, LSTM: 4 } as const;

/** The sum of the last state of a layer in both directions, over x [1, time, features]. */
function layer(op: keyof typeof gates, hasBias: boolean) {
  const size = gates[op] * hidden;
  return modelOf(runtime, [1, time, features], (b) => {
    const steps = b.op('Transpose', ['x'], { perm: [1, 0, 2] });
    const weights = [b.constant(drawn([2, size, features], 1)), b.constant(drawn([2, size, hidden], 2, 0.6))];
    const bias = hasBias ? [b.constant(drawn([2, 2 * size], 3, 0.5))] : [];
    const attributes = { hidden_size: hidden, direction: 'bidirectional' };
    const [, last] = b.ops(op, [steps, ...weights, ...bias], attributes, { outputs: ['all', 'last'] });
    return b.op('ReduceSum', [last], { keepdims: 0 });
  });
}

const inputs = new Map([['x', drawn([1, time, features], 7)]]);
const target = { kind: 'output', index: [0] } as const;
const baseline = { kind: 'input', tensor: drawn([1, time, features], 8), description: 'drawn' } as const;

describe('through a recurrent layer', () => {
  it.each(Object.keys(gates) as (keyof typeof gates)[])('DeepLIFT adds up: %s', async (op) => {
    const { error, attributionTarget, gradientNotes } = await attribute(layer(op, true), {
      inputs,
      target,
      baseline,
      method: 'deep-lift',
    });
    // Far from linear: the derivative alone would miss the difference by more than a tenth of it.
    expect(Math.abs(attributionTarget ?? 0)).toBeGreaterThan(0.1);
    expect(error).toBeLessThan(1e-5);
    expect(gradientNotes).toEqual([]);
  });

  it('LRP conserves what the layer gives where no bias takes a share: RNN', async () => {
    const { value, sum, gradientNotes } = await attribute(layer('RNN', false), {
      inputs,
      target,
      baseline,
      method: 'lrp-epsilon',
      parameters: { epsilon: 1e-9 },
    });
    // Of sums near 0 the ε of float32 is a share.
    expect(Math.abs(sum - value)).toBeLessThan(1e-3 * Math.max(1, Math.abs(value)));
    expect(gradientNotes).toEqual([]);
  });

  it('a single step by hand: Δ tanh(w x) goes to the one input in full', async () => {
    const model = modelOf(runtime, [1, 1, 1], (b) => {
      const [w, r] = [b.constant(float32([1, 1, 1], [2])), b.constant(float32([1, 1, 1], [1]))];
      return b.ops('RNN', ['x', w, r], { hidden_size: 1 }, { outputs: ['', 'last'] })[1];
    });
    const one = (value: number) => float32([1, 1, 1], [value]);
    const { values } = await attribute(model, {
      inputs: new Map([['x', one(1)]]),
      target,
      baseline: { kind: 'input', tensor: one(-0.25), description: 'by hand' },
      method: 'deep-lift',
    });
    expect(values.get('x')?.data[0]).toBeCloseTo(Math.tanh(2) - Math.tanh(-0.5), 5);
  });
});
