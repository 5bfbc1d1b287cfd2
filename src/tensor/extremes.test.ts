import { describe, expect, it } from 'vitest';
import { largestAt, maxOf, minOf } from './extremes.ts';

describe('extremes', () => {
  it('agree with Math.max and Math.min', () => {
    expect([maxOf([3, -7, 5]), minOf([3, -7, 5])]).toEqual([5, -7]);
    expect([maxOf([]), minOf([])]).toEqual([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]);
    expect([maxOf([1, Number.NaN, 2]), minOf([1, Number.NaN, 2])]).toEqual([Number.NaN, Number.NaN]);
    expect(minOf([0, -0])).toBe(-0);
  });

  it('take more values than the call stack', () => {
    const values = Array.from({ length: 1_000_000 }, (_, i) => i);
    expect(() => Math.max(...values)).toThrow(RangeError);
    expect([maxOf(values), minOf(new Map(values.map((v) => [v, v])).values())]).toEqual([999_999, 0]);
  });
});

it('finds where the largest value is, the first of equal ones', () => {
  expect([largestAt([1, 3, 2, 3]), largestAt(Float32Array.of(-2, -1)), largestAt([])]).toEqual([1, 1, 0]);
});
