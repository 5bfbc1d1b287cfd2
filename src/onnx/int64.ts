import { WhereforeError } from '../errors.ts';

const maximum = 2n ** 63n - 1n;
const minimum = -(2n ** 63n);

/**
 * An integer as 64 signed bits, saturated: the largest int64 of an ONNX file ("to the end" in Slice) is 2^63 as a
 * JavaScript number and becomes 2^63 − 1 again; ±Infinity become the ends.
 * @throws WhereforeError `invalid-argument` for NaN and fractions.
 */
export function toInt64(value: number): bigint {
  if (value >= 2 ** 63) return maximum;
  if (value <= -(2 ** 63)) return minimum;
  if (!Number.isInteger(value)) {
    throw new WhereforeError('invalid-argument', 'not an integer', { got: `${value}`, fix: 'round it first' });
  }
  return BigInt(value);
}
