import { expect, it } from 'vitest';
import { curveCounts } from './curves.ts';

it('moves evenly many groups from point to point, each number once, never none and never all', () => {
  expect(curveCounts(10, 4)).toEqual([2, 4, 6, 8]);
  // round(3k / 11) for k = 1 to 10.
  expect(curveCounts(3, 10)).toEqual([1, 2]);
  expect(curveCounts(7, 2)).toEqual([2, 5]);
  expect(curveCounts(1, 5)).toEqual([]);
});
