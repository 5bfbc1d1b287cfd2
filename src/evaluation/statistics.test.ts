import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { random } from '../tensor/random.ts';
import {
  bootstrap,
  chanceOfZero,
  holm,
  kendall,
  meanUnderCurve,
  pearson,
  quantile,
  ranks,
  spearman,
} from './statistics.ts';

describe('bootstrap', () => {
  it('holds the true mean about 95 times in 100, and is as wide as theory says', () => {
    const source = random(1);
    let [held, width] = [0, 0];
    for (let k = 0; k < 200; k++) {
      const values = Float64Array.from({ length: 40 }, source.normal);
      const { low = Number.NaN, high = Number.NaN } = bootstrap(values, { resamples: 400, seed: k });
      if (low <= 0 && 0 <= high) held++;
      width += (high - low) / 200;
    }
    // Percentile intervals of 40 values cover a little less; the standard error of the count is 1.5 %.
    expect(held / 200).toBeGreaterThan(0.88);
    expect(held / 200).toBeLessThan(0.99);
    // 2 · 1.96/√40 = .62
    expect(Math.abs(width - 0.62)).toBeLessThan(0.06);
  });

  it('has no interval for one value, and none of width for equal ones', () => {
    expect(bootstrap([3])).toEqual({ mean: 3, low: undefined, high: undefined, count: 1 });
    expect(bootstrap([2, 2, 2])).toEqual({ mean: 2, low: 2, high: 2, count: 3 });
    expect(bootstrap([]).mean).toBeNaN();
    expect(bootstrap([1, 2, 5], { seed: 3 })).toEqual(bootstrap([1, 2, 5], { seed: 3 }));
  });
});

describe('values drawn from the same source', () => {
  it('count as one: copies of a value narrow nothing', () => {
    const values = [1, 2, 4, 8, 3, 5];
    const copies = values.flatMap((value) => [value, value, value]);
    const sources = values.flatMap((_, i) => [`${i}`, `${i}`, `${i}`]);
    const alone = bootstrap(values, { seed: 4 });
    const together = bootstrap(copies, { seed: 4, sources });
    expect(together).toMatchObject({ mean: alone.mean, count: 18 });
    // The same draws, with sums of three equal values: rounding of the last digit alone.
    expect(together.low).toBeCloseTo(alone.low as number, 12);
    expect(together.high).toBeCloseTo(alone.high as number, 12);
    expect(bootstrap(copies, { seed: 4 }).high).toBeLessThan(alone.high as number);
    expect(bootstrap([1, 2, 3], { sources: ['a', 'a', 'a'] })).toMatchObject({ low: undefined, high: undefined });
  });
});

describe('the chance that a mean is 0', () => {
  it('is small for what is far from 0, and 1 for what is not', () => {
    expect(chanceOfZero([1, 2, 3, 4])).toBeCloseTo(1 / 2001, 12);
    expect(chanceOfZero([-1, -2, -3, -4])).toBeCloseTo(1 / 2001, 12);
    expect(chanceOfZero([0, 0, 0])).toBe(1);
    expect(chanceOfZero([-1, 1])).toBeGreaterThan(0.9);
    expect(chanceOfZero([1])).toBeUndefined();
    // With mean .3 and deviation 1 of 30 values, z = 1.64: two-sided .1.
    const source = random(7);
    const values = Array.from({ length: 30 }, source.normal);
    const mean = values.reduce((sum, value) => sum + value, 0) / 30;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 30);
    const shifted = values.map((value) => ((value - mean) / deviation + 0.3) as number);
    expect(Math.abs((chanceOfZero(shifted) as number) - 0.1)).toBeLessThan(0.03);
  });

  it('is judged by Holm where there are several', () => {
    // .05/3 = .0167, .05/2 = .025, .05: the third fails although .04 < .05 would hold alone.
    expect(holm([0.04, 0.001, 0.02])).toEqual([true, true, true]);
    expect(holm([0.04, 0.001, 0.03])).toEqual([false, true, false]);
    expect(holm([0.02, 0.02, 0.02])).toEqual([false, false, false]);
    expect(holm([])).toEqual([]);
  });
});

describe('rank correlations', () => {
  it('of known lists', () => {
    // Ranks 0 1 2 3 and 1 0 3 2: d² sums to 4 → 1 − 24/60; 4 pairs agree, 2 do not: 2/6.
    expect(spearman([1, 2, 3, 4], [20, 10, 40, 30])).toBeCloseTo(0.6, 12);
    expect(kendall([1, 2, 3, 4], [20, 10, 40, 30])).toBeCloseTo(1 / 3, 12);
    // One tie in a: pairs (1,2) tied; of the other five all agree: 5/√(5·6).
    expect(kendall([1, 1, 2, 3], [1, 2, 3, 4])).toBeCloseTo(5 / Math.sqrt(30), 12);
    expect([...ranks([5, 1, 5, 0])]).toEqual([2.5, 1, 2.5, 0]);
    // Σ(−1, 0, 1)(−1, −1, 2) = 3 over √(2 · 6)
    expect(pearson([1, 2, 3], [0, 0, 3])).toBeCloseTo(3 / Math.sqrt(12), 12);
  });

  it('are undefined where one side does not vary', () => {
    expect(pearson([1, 2], [0.1, 0.1])).toBeUndefined();
    expect(pearson([0.3, 0.1 + 0.2, 0.3], [1, 2, 3])).toBeUndefined();
    expect(spearman([2, 2], [1, 2])).toBeUndefined();
    expect(kendall([1, 2], [3, 3])).toBeUndefined();
  });

  it('lie between −1 and 1 and change sign with one side', () => {
    const list = fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(list, list, (a, b) => {
        for (const correlation of [pearson, spearman, kendall]) {
          const value = correlation(a, b);
          if (value === undefined) continue;
          expect(Math.abs(value)).toBeLessThanOrEqual(1 + 1e-12);
          expect(
            correlation(
              a,
              b.map((one) => -one),
            ),
          ).toBeCloseTo(-value, 9);
        }
      }),
    );
  });
});

describe('curves and quantiles', () => {
  it('of known numbers', () => {
    // Trapezoids .5·1 and 2·2 over a width of 3.
    expect(meanUnderCurve([1, 2, 4], [0, 1, 3])).toBeCloseTo(4.5 / 3, 12);
    expect(meanUnderCurve([1], [7])).toBe(7);
    expect(quantile([0, 10, 20], 0.25)).toBe(5);
    expect(quantile([0, 10, 20], 1)).toBe(20);
  });
});
