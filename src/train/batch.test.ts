import { expect, it } from 'vitest';
import { datasetOf } from '../dataset/in-memory.ts';
import { float32, int64 } from '../tensor/tensor.ts';
import { paddedBatch } from './batch.ts';

it('a batch has the labels and weights of its rows, and fills up with rows that do not count', async () => {
  const x = float32([3, 2], [1, 2, 3, 4, 5, 6]);
  const dataset = datasetOf({ x }, { labels: [0, 1, 1], weights: Float32Array.of(1, 2, 3) });
  const weights = Float32Array.of(3, 1, 0);
  expect(await paddedBatch(dataset, Uint32Array.of(2, 0), 3, 0)).toEqual({
    inputs: new Map([['x', float32([3, 2], [5, 6, 1, 2, 1, 2])]]),
    targets: int64([3], [1n, 0n, 0n]),
    weights,
    divisors: weights,
  });
  const weighted = await paddedBatch(dataset, Uint32Array.of(2, 0), 3, 0, Float32Array.of(0.5, 1, 2));
  expect(weighted).toMatchObject({ weights: Float32Array.of(6, 0.5, 0), divisors: weights });
  await expect(paddedBatch(datasetOf({ x }), Uint32Array.of(0), 1, 0)).rejects.toThrow(/no labels to train towards/);
});
