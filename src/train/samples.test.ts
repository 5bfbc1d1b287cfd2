import { expect, it } from 'vitest';
import { datasetOf } from '../dataset/in-memory.ts';
import { float32, int64 } from '../tensor/tensor.ts';
import { samplesOf } from './samples.ts';

it('takes the rows of a data set, its labels as targets', async () => {
  const x = float32([3, 1], [10, 20, 30]);
  const samples = samplesOf(datasetOf({ x }, { labels: [0, 1, 1], weights: Float32Array.of(1, 2, 3) }));
  expect(samples.count).toBe(3);
  expect(await samples.batch(Uint32Array.of(2, 0), 0)).toEqual({
    inputs: new Map([['x', float32([2, 1], [30, 10])]]),
    targets: int64([2], [1, 0]),
    weights: Float32Array.of(3, 1),
  });
  expect(() => samplesOf(datasetOf({ x }))).toThrow(/no labels to train towards/);
});
