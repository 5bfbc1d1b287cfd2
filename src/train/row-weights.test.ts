import { afterAll, describe, expect, it } from 'vitest';
import { datasetOf } from '../dataset/in-memory.ts';
import { createNodeRuntime } from '../runtime/node.ts';
import { float32, type Tensor } from '../tensor/tensor.ts';
import { constantly } from './initialization.ts';
import { linear } from './layers/index.ts';
import { Network } from './network.ts';
import { readParameters } from './parameters.ts';
import type { TrainOptions } from './settings.ts';
import { train } from './train.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

/** y = w·x + b with w = 1, b = 0. */
function line() {
  const network = new Network({ seed: 0 });
  const x = network.input('x', 'float32', ['N', 1]);
  return network.build([linear(network, x, 'y', { features: 1, initialization: constantly(1) })]);
}

const rows = (x: readonly number[], y: readonly number[]) =>
  datasetOf({ x: float32([x.length, 1], x) }, { labels: float32([y.length, 1], y) });

const options = (changes: Partial<TrainOptions> = {}): TrainOptions => ({
  model: line(),
  // Errors at the start: 1, 2 and 3.
  samples: rows([1, 3, 2], [0, 1, -1]),
  loss: { kind: 'mean-squared-error' },
  optimizer: { kind: 'sgd' },
  schedule: { kind: 'constant', learningRate: 0.1 },
  epochs: 1,
  batchSize: 3,
  seed: 5,
  runtime,
  ...changes,
});

async function trained(changes: Partial<TrainOptions>) {
  const { model, history } = await train(options(changes));
  const [w, b] = ['y.weight', 'y.bias'].map((name) => Number(readParameters(model, [name]).get(name)?.data[0]));
  return { w, b, loss: history.losses[0] };
}

describe('weights of rows', () => {
  it('weight the losses, divided by the sum of the weights', async () => {
    // L = (1·1 + 2·4 + 0·9) / 3 = 3; dL/dw = 2·(1·1·1 + 2·2·3)/3 = 26/3, dL/db = 2·(1·1 + 2·2)/3 = 10/3
    const { w, b, loss } = await trained({ rowWeights: Float32Array.of(1, 2, 0) });
    expect(loss).toBeCloseTo(3, 6);
    expect(w).toBeCloseTo(1 - 2.6 / 3, 6);
    expect(b).toBeCloseTo(-1 / 3, 6);
  });

  it('weight the losses, divided by the number of rows when asked', async () => {
    // L = (1·1 + 0·4 + 0·9) / 3; dL/dw = 2·1/3, dL/db = 2/3
    const { w, b, loss } = await trained({ rowWeights: Float32Array.of(1, 0, 0), divisor: 'rows' });
    expect(loss).toBeCloseTo(1 / 3, 6);
    expect(w).toBeCloseTo(1 - 0.2 / 3, 6);
    expect(b).toBeCloseTo(-0.2 / 3, 6);
  });

  it('of 0 leave a row out, of 2 count it twice', async () => {
    const weighted = await trained({ rowWeights: Float32Array.of(2, 1, 0), epochs: 5 });
    const rewritten = await trained({ samples: rows([1, 1, 3], [0, 0, 1]), epochs: 5 });
    // The sums have other terms in another order: rounding of float32.
    expect(weighted.w).toBeCloseTo(rewritten.w, 5);
    expect(weighted.b).toBeCloseTo(rewritten.b, 5);
  });

  it('do not count the rows that fill the last batch up, whatever the divisor', async () => {
    for (const divisor of ['weights', 'rows'] as const) {
      // Batches of 2 and 1: the second is filled up with the same row once more, which must not halve its step.
      const filled = await trained({ batchSize: 2, divisor, samples: rows([1, 1, 1], [0, 0, 0]) });
      // Every batch has the same loss e² with e = w + b: each step takes .2·e from w and from b.
      expect(filled.w).toBeCloseTo(1 - 0.2 - 0.2 * 0.6, 6);
      expect(filled.b).toBeCloseTo(-0.2 - 0.2 * 0.6, 6);
    }
  });

  it('that make no sense are refused', async () => {
    await expect(trained({ rowWeights: Float32Array.of(1, 2) })).rejects.toThrow(/row weights \(got 2, expected 3/);
    await expect(trained({ rowWeights: Float32Array.of(1, -1, 1) })).rejects.toThrow(/weight of row 1 \(got -1/);
    await expect(trained({ rowWeights: new Float32Array(3) })).rejects.toThrow(/no row has a weight/);
  });

  it('of 0 for a whole batch take no step where its weights divide, and a step of 0 where its rows do', async () => {
    // Rows of their own batches; row 1 moves w by −.1·2·(w + b − 0)·1 from w = 1, b = 0, the other batches by nothing.
    const alone = { batchSize: 1, samples: rows([3, 1, 2], [0, 0, 0]), rowWeights: Float32Array.of(0, 1, 0) };
    for (const divisor of ['weights', 'rows'] as const) {
      const { w, b } = await trained({ ...alone, divisor });
      expect([w, b]).toEqual([expect.closeTo(0.8, 6), expect.closeTo(-0.2, 6)]);
    }
    // Momentum goes on in a step of 0; where there is no step it waits.
    const momentum = { ...alone, optimizer: { kind: 'sgd', momentum: 0.5 }, order: [Uint32Array.of(1, 0, 2)] } as const;
    expect((await trained({ ...momentum, divisor: 'weights' })).w).toBeCloseTo(0.8, 6);
    expect((await trained({ ...momentum, divisor: 'rows' })).w).toBeCloseTo(1 - 0.2 * (1 + 0.5 + 0.25), 6);
  });

  it('belong to the training that goes on from a checkpoint', async () => {
    const first = await train(options({ rowWeights: Float32Array.of(1, 2, 0), checkpointEvery: { steps: 1 } }));
    const resume = await first.checkpoints.load(1);
    await expect(train(options({ resume, epochs: 2 }))).rejects.toThrow(/other settings \(got rowWeights nothing/);
    const longer = await train(options({ resume, epochs: 2, rowWeights: Float32Array.of(1, 2, 0) }));
    const whole = await train(options({ epochs: 2, rowWeights: Float32Array.of(1, 2, 0) }));
    const weightOf = ({ model }: typeof whole) => (readParameters(model, ['y.weight']).get('y.weight') as Tensor).data;
    expect(weightOf(longer)).toEqual(weightOf(whole));
  });
});

describe('checkpoints at parts of a training', () => {
  it('lie behind the nearest step, and at the end', async () => {
    const { checkpoints } = await train(options({ epochs: 10, checkpointEvery: { fractions: [0.3, 0.5, 0.01] } }));
    // 10 steps; a hundredth of them is none, which stands for the first.
    expect(await checkpoints.steps()).toEqual([1, 3, 5, 10]);
  });

  it('must be parts', async () => {
    const wrong = train(options({ checkpointEvery: { fractions: [0.5, 1.5] } }));
    await expect(wrong).rejects.toThrow(/fraction of checkpointEvery \(got 1.5, expected above 0, at most 1/);
  });
});
