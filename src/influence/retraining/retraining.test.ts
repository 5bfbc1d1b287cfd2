import { afterAll, describe, expect, it } from 'vitest';
import { createNodeRuntime } from '../../runtime/node.ts';
import { float32 } from '../../tensor/tensor.ts';
import {
  constantly,
  datasetOf,
  evaluateLoss,
  linear,
  Network,
  redrawnWeights,
  type TrainOptions,
  train,
} from '../../train/index.ts';
import { openRetraining } from './retraining.ts';

const runtime = createNodeRuntime({ threads: 1 });
afterAll(() => runtime.close());

const rowsOf = (x: readonly number[], y: readonly number[]) =>
  datasetOf({ x: float32([x.length, 1], x) }, { labels: float32([y.length, 1], y) });

/** y = w·x + b from w = 1, b = 0; a step of .1 on the mean squared error. */
function recipeOf(changes: Partial<TrainOptions> = {}): TrainOptions {
  const network = new Network({ seed: 0 });
  const x = network.input('x', 'float32', ['N', 1]);
  const model = network.build([linear(network, x, 'y', { features: 1, initialization: constantly(1) })]);
  return {
    model,
    samples: rowsOf([1, 3], [0, 1]),
    loss: { kind: 'mean-squared-error' },
    optimizer: { kind: 'sgd' },
    schedule: { kind: 'constant', learningRate: 0.1 },
    epochs: 1,
    batchSize: 2,
    seed: 4,
    runtime,
    ...changes,
  };
}

const queries = rowsOf([2], [0]);
const counts = (...of: number[]) => Uint32Array.from(of);

describe('retraining', () => {
  it('trains on the rows that are used, as often as they are', async () => {
    const retraining = await openRetraining({ recipe: recipeOf(), queries });
    // Row 0 alone: error 1, w = 1 − .1·2·1, b = −.1·2·1: w = .8, b = −.2. Query: .8·2 − .2 = 1.4; rows: .6 and 2.2 − 1.
    const one = await retraining.train(counts(1, 0), 4);
    expect(one.queries[0]).toBeCloseTo(-(1.4 ** 2), 5);
    expect([...one.rows].map((f) => Math.sqrt(-f))).toEqual([expect.closeTo(0.6, 5), expect.closeTo(1.2, 5)]);
    // Row 0 twice, row 1 once: dL/dw = 2·(2·1 + 2·3)/3, dL/db = 2·(2·1 + 2)/3: w = 1 − 1.6/3, b = −.8/3.
    const twice = await retraining.train(counts(2, 1), 4);
    expect(twice.queries[0]).toBeCloseTo(-((2 * (1 - 1.6 / 3) - 0.8 / 3) ** 2), 5);
    // No row: untrained, 2² = 4.
    expect((await retraining.train(counts(0, 0), 4)).queries[0]).toBeCloseTo(-4, 5);
    await retraining.close();
  });

  it('gives what a training of its own gives, and the same again', async () => {
    const recipe = recipeOf({ epochs: 3, batchSize: 1 });
    const retraining = await openRetraining({ recipe, queries });
    const first = await retraining.train(counts(1, 1), 4);
    await retraining.train(counts(1, 2), 4);
    expect(await retraining.train(counts(1, 1), 4)).toEqual(first);
    const { model } = await train(recipe);
    const { loss } = await evaluateLoss({ ...recipe, model, samples: queries });
    expect(first.queries[0]).toBe(-loss);
    await retraining.close();
  });

  it('draws weights and order anew for another seed', async () => {
    const recipe = recipeOf({ batchSize: 1, epochs: 2 });
    const retraining = await openRetraining({ recipe, queries });
    const values = new Set<number>();
    for (let seed = 0; seed < 6; seed++) values.add((await retraining.train(counts(1, 1), seed)).queries[0]);
    // One weight cannot be drawn in another order: two orders of two rows in two epochs are what differs.
    expect(values.size).toBeGreaterThan(1);
    await retraining.close();
  });

  it('trains on other labels', async () => {
    const retraining = await openRetraining({ recipe: recipeOf(), queries });
    const relabelled = await retraining.trainOn(rowsOf([1, 3], [1, 3]), { counts: counts(1, 1), seed: 4 });
    // Nothing is wrong with these labels: w = 1, b = 0 stay. The rows are still judged by the recipe's labels.
    expect(relabelled.queries[0]).toBeCloseTo(-4, 6);
    expect([...relabelled.rows]).toEqual([expect.closeTo(-1, 6), expect.closeTo(-4, 6)]);
    await retraining.close();
  });

  it('refuses counts of other rows', async () => {
    const retraining = await openRetraining({ recipe: recipeOf(), queries });
    await expect(retraining.train(counts(1), 4)).rejects.toThrow(/each row is used \(got 1 rows, expected 2\)/);
    await retraining.close();
  });
});

it('redrawn weights are the same elements in an order that the seed determines', () => {
  const initial = new Map([
    [
      'w',
      float32(
        [3, 4],
        Array.from({ length: 12 }, (_, i) => i),
      ),
    ],
    ['b', float32([2], [0, 0])],
  ]);
  const [a, again, b] = [redrawnWeights(initial, 1), redrawnWeights(initial, 1), redrawnWeights(initial, 2)];
  expect(a).toEqual(again);
  expect(a.get('w')).not.toEqual(b.get('w'));
  expect([...(a.get('w')?.data as Float32Array)].sort((x, y) => x - y)).toEqual([...(initial.get('w')?.data ?? [])]);
  expect(a.get('b')).toEqual(initial.get('b'));
});
