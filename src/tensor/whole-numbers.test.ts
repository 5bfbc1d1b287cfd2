import { expect, it } from 'vitest';
import { float32, type Tensor, tensor } from './tensor.ts';
import { sameNumbers, wholeNumbers } from './whole-numbers.ts';

const float64 = (...values: number[]): Tensor => tensor('float64', [values.length], Float64Array.from(values));

it.each([
  ['int8', -128, 127],
  ['uint8', 0, 255],
  ['int16', -32768, 32767],
  ['uint16', 0, 65535],
  ['int32', -2147483648, 2147483647],
  ['uint32', 0, 4294967295],
] as const)('%s holds whole numbers from %d to %d', (type, least, most) => {
  const same = sameNumbers(float64(least, 1, most), type);
  expect(same?.type).toBe(type);
  expect(Array.from(same?.data as ArrayLike<number>)).toEqual([least, 1, most]);
  for (const outside of [least - 1, most + 1, 0.5]) expect(sameNumbers(float64(1, outside), type)).toBeUndefined();
});

it.each(['int64', 'uint64'] as const)('%s holds what JavaScript does exactly', (type) => {
  const most = Number.MAX_SAFE_INTEGER;
  expect(sameNumbers(float64(1, most), type)?.data).toEqual(
    type === 'int64' ? BigInt64Array.of(1n, BigInt(most)) : BigUint64Array.of(1n, BigInt(most)),
  );
  expect(sameNumbers(float64(most + 1), type)).toBeUndefined();
  expect(wholeNumbers[type]?.[0]).toBe(type === 'int64' ? -most : 0);
});

it('anything is the same number as float32; texts and truth are no numbers', () => {
  expect(sameNumbers(tensor('int16', [2], Int16Array.of(-3, 4)), 'float32')).toEqual(float32([2], [-3, 4]));
  expect(sameNumbers(tensor('string', [1], ['1']), 'float32')).toBeUndefined();
  expect(sameNumbers(float32([1], [1]), 'bool')).toBeUndefined();
});
