const maximum = 2n ** 63n - 1n;
const minimum = -(2n ** 63n);

/**
 * A number as a signed 64-bit integer, saturated: the largest int64 of an ONNX file ("to the end" in Slice) is
 * 2^63 as a JavaScript number and becomes 2^63 − 1 again; ±Infinity become the ends. Fractions are cut off.
 * @throws RangeError for NaN.
 */
export function toInt64(value: number): bigint {
  if (value >= 2 ** 63) return maximum;
  if (value <= -(2 ** 63)) return minimum;
  return BigInt(Math.trunc(value));
}
