import { expect, it } from 'vitest';
import { float32 } from '../../tensor/tensor.ts';
import { commonLimit, rowMapImage } from './row-map.ts';

const map = (...values: number[]) => ({ values: float32([1, values.length], values) });

it('draws all maps on one scale, which a few extreme positions do not set', () => {
  const rows = new Map([[3, map(...Array.from({ length: 999 }, (_, i) => -i / 1000), 50)]]);
  // Of 1,002 positions .5 % may lie beyond: the limit is the 997th, and two lie among the first.
  expect(commonLimit({ query: map(0.25, 0.5), rows })).toBeCloseTo(0.994, 6);
  const [alone, same] = [map(1, -1), map(1, -1)].map((one) => rowMapImage(one, 2).html);
  expect(alone).toBe(same);
  expect(rowMapImage(map(2, -2), 4).html).toBe(alone);
  expect(rowMapImage(map(1, -1), 1).html).not.toBe(alone);
});
