import { afterAll, expect, it } from 'vitest';
import { createEigenThread } from './eigen-thread.ts';

const thread = createEigenThread();
afterAll(() => thread.close());

it('decomposes in a thread, several matrices in order', async () => {
  const matrices = [1, 2, 3].map((factor) => Float64Array.of(2 * factor, factor, factor, 2 * factor));
  const found = await Promise.all(matrices.map((matrix) => thread.decompose(matrix, 2)));
  // (2 1; 1 2) has 1 and 3.
  for (const [k, { values }] of found.entries()) {
    expect(values[0]).toBeCloseTo(k + 1, 12);
    expect(values[1]).toBeCloseTo(3 * (k + 1), 12);
  }
  // The matrix stays with the caller.
  expect(matrices[0]).toHaveLength(4);
});

it('refuses what is no matrix of numbers', async () => {
  await expect(thread.decompose(new Float64Array(3), 2)).rejects.toThrow(/got 3 numbers for n = 2/);
  await expect(thread.decompose(Float64Array.of(1, 0, Number.NaN, 1), 2)).rejects.toThrow(/got NaN at \[1, 0\]/);
});

it('fails what is under way when it is closed, and starts again', async () => {
  const other = createEigenThread();
  const pending = other.decompose(new Float64Array(400 * 400).fill(1), 400);
  const refused = expect(pending).rejects.toThrow(/was closed/);
  await other.close();
  await refused;
  expect((await other.decompose(Float64Array.of(4), 1)).values[0]).toBe(4);
  await other.close();
});
