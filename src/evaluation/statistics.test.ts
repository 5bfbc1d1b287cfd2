import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { random } from '../tensor/random.ts';
import { bootstrap, kendall, meanUnderCurve, pearson, quantile, ranks, spearman } from './statistics.ts';

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
