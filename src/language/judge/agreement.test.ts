import { expect, it } from 'vitest';
import { overItems, type Ratings } from './agreement.ts';

const share = ([ratings]: readonly Ratings[]) => ratings.filter((one) => one === 1).length / ratings.length;
const half = Array.from({ length: 100 }, (_, i) => i % 2);

it('has an interval that a binomial share has: .5 ± 1.96 · .05', () => {
  const { value, low, high, count } = overItems([half], share, { resamples: 4000, seed: 3 });
  expect({ value, count }).toEqual({ value: 0.5, count: 100 });
  expect(low).toBeCloseTo(0.4, 1);
  expect(high).toBeCloseTo(0.6, 1);
  const narrow = overItems([half], share, { resamples: 4000, seed: 3, level: 0.5 });
  // ± .674 · .05.
  expect(narrow.high).toBeCloseTo(0.534, 2);
  expect(narrow.low).toBeCloseTo(0.466, 2);
});

it('draws the same items from every rater', () => {
  const agreement = ([a, b]: readonly Ratings[]) => a.filter((one, i) => one === b[i]).length / a.length;
  expect(overItems([half, half], agreement)).toMatchObject({ value: 1, low: 1, high: 1 });
});

it('has no interval where the statistic is often undefined, nor of a single item', () => {
  let asked = 0;
  const rare = (ratings: readonly Ratings[]) => (asked++ % 5 === 0 ? share(ratings) : undefined);
  expect(overItems([half], rare)).toMatchObject({ value: 0.5, low: undefined, high: undefined });
  expect(overItems([[1]], share)).toMatchObject({ value: 1, low: undefined, count: 1 });
});
