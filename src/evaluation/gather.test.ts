import { describe, expect, it } from 'vitest';
import type { Points } from '../attribution/points.ts';
import { float32 } from '../tensor/tensor.ts';
import { gathered, joined } from './gather.ts';

/** One number a point. */
function numbers(...values: number[]): Points {
  return {
    cut: ['x'],
    count: values.length,
    at: (start, end) => new Map([['x', float32([end - start, 1], values.slice(start, end))]]),
  };
}

describe('points of several lists', () => {
  it('lie one after another, however they are cut into batches', () => {
    const all = joined([numbers(1, 2), numbers(3), numbers(), numbers(4, 5, 6)]);
    expect(all.count).toBe(6);
    for (let start = 0; start < 6; start++) {
      for (let end = start + 1; end <= 6; end++) {
        const values = [...(all.at(start, end).get('x')?.data ?? [])];
        expect(values).toEqual([1, 2, 3, 4, 5, 6].slice(start, end));
      }
    }
  });
});

describe('questions asked at the same time', () => {
  it('go into one stream, and each gets its own answers', async () => {
    const sizes: number[] = [];
    const ask = gathered(async (points) => {
      sizes.push(points.count);
      return Float64Array.from(points.at(0, points.count).get('x')?.data as Float32Array, (value) => 10 * value);
    });
    const [a, b] = await Promise.all([ask(numbers(1, 2)), ask(numbers(3))]);
    expect([[...a], [...b]]).toEqual([[10, 20], [30]]);
    expect([...(await ask(numbers(4)))]).toEqual([40]);
    expect(sizes).toEqual([3, 1]);
  });

  it('give the error to whoever caused it, and the others their answers', async () => {
    const ask = gathered(async (points) => {
      const values = points.at(0, points.count).get('x')?.data as Float32Array;
      if (values.includes(-1)) throw new Error('not this one');
      return Float64Array.from(values);
    });
    const [good, bad] = await Promise.allSettled([ask(numbers(1)), ask(numbers(-1))]);
    expect(good).toMatchObject({ status: 'fulfilled', value: Float64Array.of(1) });
    expect(bad).toMatchObject({ status: 'rejected', reason: expect.objectContaining({ message: 'not this one' }) });
  });
});
