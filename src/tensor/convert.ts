import { WhereforeError } from '../errors.ts';
import { filled } from './filled.ts';
import { type DataType, float32, sizeOf, type Tensor, tensor } from './tensor.ts';

const scratch = new DataView(new ArrayBuffer(4));

/** IEEE 754 binary16 bits to a number. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** A number to IEEE 754 binary16 bits, rounding to nearest even. */
export function floatToHalf(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x47800000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Below the smallest normal half: adding 0.5 in float32 rounds at the 2^-24 place.
    scratch.setFloat32(0, Math.abs(value) + 0.5);
    return sign | (scratch.getUint32(0) - 0x3f000000);
  }
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}

/** bfloat16 bits to a number. */
export function bfloat16ToFloat(bits: number): number {
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
}

/** A 4-bit element of packed data, low nibble first. */
function nibble(data: Uint8Array, index: number, signed: boolean): number {
  const value = (data[index >> 1] >> (index & 1 ? 4 : 0)) & 15;
  return signed && value > 7 ? value - 16 : value;
}

let halves: Float32Array | undefined;

/** The numbers of all 16-bit patterns, made with the first tensor that needs them. */
function halfTable(): Float32Array {
  halves ??= filled(new Float32Array(65536), (bits) => halfToFloat(bits));
  return halves;
}

/** Element access of any numeric type as a JavaScript number; 64-bit integers beyond 2^53 lose their low bits. */
export function elementReader(t: Tensor): (index: number) => number {
  const data = t.data;
  switch (t.type) {
    case 'float16': {
      const half = halfTable();
      return (i) => half[(data as Uint16Array)[i]];
    }
    case 'bfloat16':
      return (i) => bfloat16ToFloat((data as Uint16Array)[i]);
    case 'int64':
    case 'uint64':
      return (i) => Number((data as BigInt64Array)[i]);
    case 'int4':
      return (i) => nibble(data as Uint8Array, i, true);
    case 'uint4':
      return (i) => nibble(data as Uint8Array, i, false);
    case 'string':
      throw new WhereforeError('wrong-type', 'a string tensor has no numbers');
    case 'float4e2m1':
    case 'int2':
    case 'uint2':
    case 'float8e4m3fn':
    case 'float8e4m3fnuz':
    case 'float8e5m2':
    case 'float8e5m2fnuz':
    case 'float8e8m0':
    case 'complex64':
    case 'complex128':
      throw new WhereforeError('wrong-type', `elements of type ${t.type} are carried as raw bits, not read as numbers`);
    default:
      return (i) => (data as Float32Array)[i];
  }
}

/** All elements as JavaScript numbers. */
export function toNumbers(t: Tensor): number[] {
  const read = elementReader(t);
  const values = new Array<number>(sizeOf(t.shape));
  for (let i = 0; i < values.length; i++) values[i] = read(i);
  return values;
}

/** The tensor in float32: itself when it already is. */
export function toFloat32(t: Tensor): Tensor<'float32'> {
  if (t.type === 'float32') return t as Tensor<'float32'>;
  const read = elementReader(t);
  // A loop: `Float32Array.from` with a function takes 25 times as long.
  const values = new Float32Array(sizeOf(t.shape));
  for (let i = 0; i < values.length; i++) values[i] = read(i);
  return float32(t.shape, values);
}

/** Numbers stored as `type`. 4-bit types and strings are not a target. */
export function fromNumbers<T extends DataType>(
  type: T,
  shape: readonly number[],
  values: ArrayLike<number>,
): Tensor<T> {
  const result = tensor(type, shape);
  if (values.length !== sizeOf(shape)) {
    throw new WhereforeError('wrong-shape', 'values do not fill the shape', {
      got: `${values.length}`,
      expected: `${sizeOf(shape)}`,
    });
  }
  const write = writers[type];
  if (!write) throw new WhereforeError('wrong-type', `numbers cannot be stored as ${type}`);
  const data = result.data as unknown as (number | bigint)[];
  for (let i = 0; i < values.length; i++) data[i] = write(values[i]);
  return result;
}

const asIs = (value: number) => value;
const writers: Partial<Record<DataType, (value: number) => number | bigint>> = {
  float32: asIs,
  float64: asIs,
  float16: floatToHalf,
  int8: asIs,
  uint8: asIs,
  int16: asIs,
  uint16: asIs,
  int32: asIs,
  uint32: asIs,
  int64: (value) => BigInt(Math.trunc(value)),
  uint64: (value) => BigInt(Math.trunc(value)),
  bool: (value) => (value ? 1 : 0),
};

/** The tensor with its elements converted to `type`: itself when it already is. */
export function convert<T extends DataType>(t: Tensor, type: T): Tensor<T> {
  return t.type === (type as DataType) ? (t as Tensor<T>) : fromNumbers(type, t.shape, toNumbers(t));
}
