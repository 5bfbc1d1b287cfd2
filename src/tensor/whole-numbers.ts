import { elementReader, fromNumbers } from './convert.ts';
import { type DataType, sizeOf, type Tensor } from './tensor.ts';

/** The least and the largest whole number of each type that JavaScript's numbers hold exactly. */
export const wholeNumbers: Readonly<Partial<Record<DataType, readonly [number, number]>>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65_535],
  int16: [-32_768, 32_767],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  uint64: [0, Number.MAX_SAFE_INTEGER],
};

/**
 * The same numbers in another type: anything as float32, and whole numbers within its range as a type of whole numbers.
 * undefined where an element would become another one, and for types that do not hold numbers.
 */
export function sameNumbers(t: Tensor, type: DataType): Tensor | undefined {
  if (t.type === type) return t;
  const isNumber = (of: DataType) => of === 'float32' || of === 'float64' || of === 'float16' || wholeNumbers[of];
  if (!isNumber(t.type)) return undefined;
  const read = elementReader(t);
  const values = new Float64Array(sizeOf(t.shape));
  for (let i = 0; i < values.length; i++) values[i] = read(i);
  if (type === 'float32') return fromNumbers(type, t.shape, values);
  const range = wholeNumbers[type];
  if (!range) return undefined;
  for (const value of values) if (!Number.isInteger(value) || value < range[0] || value > range[1]) return undefined;
  return fromNumbers(type, t.shape, values);
}
