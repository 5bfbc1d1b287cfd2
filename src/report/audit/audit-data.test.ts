import { expect, it } from 'vitest';
import { isGrouping } from './audit-data.ts';

const ofValues = (rows: number, values: number) => Array.from({ length: rows }, (_, i) => `value ${i % values}`);

it('takes a column for groups where it has at most two values, or five rows for each', () => {
  expect(isGrouping(ofValues(50, 10))).toBe(true);
  expect(isGrouping(ofValues(50, 11))).toBe(false);
  expect(isGrouping(ofValues(4, 2))).toBe(true);
  expect(isGrouping(ofValues(4, 4))).toBe(false);
});
