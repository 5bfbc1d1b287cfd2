import { afterAll, describe, expect, it } from 'vitest';
import { createNodeRuntime } from '../../runtime/node.ts';
import { random } from '../../tensor/random.ts';
import { float32, int64 } from '../../tensor/tensor.ts';
import { activation, datasetOf, linear, Network, type TrainOptions } from '../../train/index.ts';
import { openRetraining } from '../retraining/retraining.ts';
import { costOf, score } from '../score.ts';
import { smoothnessOf } from './smoothness.ts';
import { openUnrolling } from './unrolling.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

/** Three clusters in a plane; row 0 is a copy of query 0, row 1 the same with another label. */
function rowsOf(count: number, seed: number, copies: boolean) {
  const source = random(seed);
  const y = Array.from({ length: count }, (_, i) => i % 3);
  const x = Float32Array.from({ length: 2 * count }, (_, j) => {
    const [row, column] = [Math.floor(j / 2), j % 2];
    return (row % 3 === column ? 2 : 0) + 0.8 * source.normal();
  });
  if (copies) {
    x.set([0.9, 1.1, 0.9, 1.1]);
    y.splice(0, 2, 2, 0);
  } else {
    x.set([0.9, 1.1]);
    y[0] = 2;
  }
  return datasetOf({ x: float32([count, 2], x) }, { labels: int64([count], y) });
}

function trainingOf(changes: Partial<TrainOptions> = {}): TrainOptions {
  const network = new Network({ seed: 3 });
  const x = network.input('x', 'float32', ['N', 2]);
  const hidden = activation(network, linear(network, x, 'hidden', { features: 6 }), 'tanh', 'tanh');
  const model = network.build([linear(network, hidden, 'logits', { features: 3 })]);
  return {
    model,
    samples: rowsOf(20, 1, true),
    loss: { kind: 'cross-entropy' },
    optimizer: { kind: 'sgd', momentum: 0.9, weightDecay: 0.01 },
    schedule: { kind: 'constant', learningRate: 0.02 },
    epochs: 30,
    batchSize: 8,
    divisor: 'rows',
    seed: 2,
    runtime,
    ...changes,
  };
}

const queries = rowsOf(3, 2, false);

describe('unrolled influence', () => {
  it('has a copy of the query as its first proponent, and the copy with another label as its first opponent', async () => {
    const unrolling = openUnrolling({ training: trainingOf(), queries });
    // 90 steps in stretches of 10: 9 states at their starts and 10 of one, of 18 + 21 weights and velocities each.
    expect(unrolling).toMatchObject({ epochs: 30, keptBytes: 4 * 39 * 2 * 19 });
    const context = { rows: 20, queries: 3, seed: 1, unrolling };
    // 30 epochs of 20 rows: three trainings for smoothness, two forwards, for each of 3 queries two gradients backwards.
    expect(costOf('unrolled', context).gradients).toBe(30 * 20 * (3 + 2 * 4));
    const { values, notes } = await score('unrolled', context);
    expect(notes[0]).toMatch(/^metasmoothness (0\.9\d|1\.00) .*smooth enough/);
    expect([values.rows, values.columns]).toEqual([3, 20]);
    const scores = values.data;
    const first = [...scores.subarray(0, 20)];
    expect(first.indexOf(first.reduce((a, b) => Math.max(a, b)))).toBe(0);
    expect(first.indexOf(first.reduce((a, b) => Math.min(a, b)))).toBe(1);
  });

  it.each([
    ['sgd', {}],
    ['adam', { optimizer: { kind: 'adam', epsilon: 1e-3 } }],
  ] as const)('is the slope of retraining in a row weight: %s', async (_, changes) => {
    const training = trainingOf(changes);
    const scores = await openUnrolling({ training, queries }).scores();
    // Central differences of trainings of their own, in float32: a step of .05 in the weight moves f by some 1e-3,
    // rounding by 1e-6 of it, and the third derivative by .05² of the slope, of which Adam has more.
    for (const row of [0, 1, 7]) {
      const values = [];
      for (const step of [0.05, -0.05]) {
        const rowWeights = new Float32Array(20).fill(1);
        rowWeights[row] += step;
        const moved = await openRetraining({ recipe: { ...training, rowWeights }, queries });
        values.push((await moved.train(new Uint32Array(20).fill(1), training.seed)).queries);
        await moved.close();
      }
      for (let query = 0; query < 3; query++) {
        const slope = (values[0][query] - values[1][query]) / 0.1;
        expect(Math.abs(scores[query * 20 + row] - slope)).toBeLessThan(0.02 * Math.abs(slope) + 2e-4);
      }
    }
  });
});

describe('metasmoothness', () => {
  it('is high for a gentle training, low for one at a hundred times the learning rate', async () => {
    const gentle = await smoothnessOf({ training: trainingOf(), directions: 2, share: 0.1 });
    expect(gentle.value).toBeGreaterThan(0.9);
    expect(gentle).toMatchObject({ isSmooth: true, each: [expect.any(Number), expect.any(Number)] });
    const wild = trainingOf({ schedule: { kind: 'constant', learningRate: 2 } });
    expect(await smoothnessOf({ training: wild, directions: 2, share: 0.1 })).toMatchObject({ isSmooth: false });
  });

  it('refuses a part that is all of the rows or none', async () => {
    await expect(smoothnessOf({ training: trainingOf(), share: 1 })).rejects.toThrow(/got 1 of 20 rows, 1 times/);
    await expect(smoothnessOf({ training: trainingOf(), share: 0 })).rejects.toMatchObject({
      code: 'invalid-argument',
    });
  });
});
