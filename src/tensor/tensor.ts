import { WhereforeError } from '../errors.ts';

/** The arrays that hold a tensor's elements, by element type. Small float and packed types keep their raw bits. */
export interface TypedArrayOf {
  float32: Float32Array;
  float64: Float64Array;
  float16: Uint16Array;
  bfloat16: Uint16Array;
  int8: Int8Array;
  uint8: Uint8Array;
  int16: Int16Array;
  uint16: Uint16Array;
  int32: Int32Array;
  uint32: Uint32Array;
  int64: BigInt64Array;
  uint64: BigUint64Array;
  bool: Uint8Array;
  string: string[];
  /** Two elements in a byte, low nibble first. */
  int4: Uint8Array;
  uint4: Uint8Array;
  float4e2m1: Uint8Array;
  /** Four elements in a byte, lowest bits first. */
  int2: Uint8Array;
  uint2: Uint8Array;
  /** The types below are carried as raw bits; nothing here computes with them. */
  float8e4m3fn: Uint8Array;
  float8e4m3fnuz: Uint8Array;
  float8e5m2: Uint8Array;
  float8e5m2fnuz: Uint8Array;
  float8e8m0: Uint8Array;
  /** Real and imaginary part in turn: two array entries an element. */
  complex64: Float32Array;
  complex128: Float64Array;
}

/** Element type of a tensor, named as ONNX Runtime names it. */
export type DataType = keyof TypedArrayOf;

export type TensorData = TypedArrayOf[DataType];

/** A typed n-d array in row-major order. Immutable by convention: nobody writes into `data` after construction. */
export interface Tensor<T extends DataType = DataType> {
  readonly type: T;
  readonly shape: readonly number[];
  readonly data: TypedArrayOf[T];
}

type Constructor = {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): TensorData;
  new (buffer: ArrayBufferLike, offset: number, length: number): TensorData;
};

/** Array constructor and bytes per element of each type (fractions for packed types, 0 for strings). */
export const dataTypes: Readonly<Record<DataType, { readonly array: Constructor; readonly bytes: number }>> = {
  float32: { array: Float32Array as unknown as Constructor, bytes: 4 },
  float64: { array: Float64Array as unknown as Constructor, bytes: 8 },
  float16: { array: Uint16Array as unknown as Constructor, bytes: 2 },
  bfloat16: { array: Uint16Array as unknown as Constructor, bytes: 2 },
  int8: { array: Int8Array as unknown as Constructor, bytes: 1 },
  uint8: { array: Uint8Array as unknown as Constructor, bytes: 1 },
  int16: { array: Int16Array as unknown as Constructor, bytes: 2 },
  uint16: { array: Uint16Array as unknown as Constructor, bytes: 2 },
  int32: { array: Int32Array as unknown as Constructor, bytes: 4 },
  uint32: { array: Uint32Array as unknown as Constructor, bytes: 4 },
  int64: { array: BigInt64Array as unknown as Constructor, bytes: 8 },
  uint64: { array: BigUint64Array as unknown as Constructor, bytes: 8 },
  bool: { array: Uint8Array as unknown as Constructor, bytes: 1 },
  string: { array: Array as unknown as Constructor, bytes: 0 },
  int4: { array: Uint8Array as unknown as Constructor, bytes: 0.5 },
  uint4: { array: Uint8Array as unknown as Constructor, bytes: 0.5 },
  float4e2m1: { array: Uint8Array as unknown as Constructor, bytes: 0.5 },
  int2: { array: Uint8Array as unknown as Constructor, bytes: 0.25 },
  uint2: { array: Uint8Array as unknown as Constructor, bytes: 0.25 },
  float8e4m3fn: { array: Uint8Array as unknown as Constructor, bytes: 1 },
  float8e4m3fnuz: { array: Uint8Array as unknown as Constructor, bytes: 1 },
  float8e5m2: { array: Uint8Array as unknown as Constructor, bytes: 1 },
  float8e5m2fnuz: { array: Uint8Array as unknown as Constructor, bytes: 1 },
  float8e8m0: { array: Uint8Array as unknown as Constructor, bytes: 1 },
  complex64: { array: Float32Array as unknown as Constructor, bytes: 8 },
  complex128: { array: Float64Array as unknown as Constructor, bytes: 16 },
};

/** Number of elements of a shape; 1 for a scalar's `[]`. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const dimension of shape) size *= dimension;
  return size;
}

/** Row-major strides, in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

/** `2×3×224×224`, `batch×?` with a size that is not known, or `scalar`. */
export function formatShape(shape: readonly (number | string | undefined)[]): string {
  return shape.length ? shape.map((size) => size ?? '?').join('×') : 'scalar';
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dimension, i) => dimension === b[i]);
}

/**
 * Length of the data array that holds `shape` elements of `type` (packed types share a byte, complex ones take two).
 * @throws WhereforeError `wrong-type` for what is no type, as a program without types may give
 */
export function storageLength(type: DataType, shape: readonly number[]): number {
  const size = sizeOf(shape);
  if (!Object.hasOwn(dataTypes, type)) {
    throw new WhereforeError('wrong-type', 'there is no such type of elements', {
      got: String(type),
      expected: Object.keys(dataTypes).join(', '),
    });
  }
  if (type === 'complex64' || type === 'complex128') return size * 2;
  const { bytes } = dataTypes[type];
  return bytes > 0 && bytes < 1 ? Math.ceil(size * bytes) : size;
}

/** Elements of the largest tensor that is made here, and of the largest that is made only to try a model. */
const mostElements = 2 ** 31 - 1;
export const mostTrialElements = 2 ** 26;

/**
 * Checks that a shape, which a file may state as it likes, is one that fits into memory.
 * @throws WhereforeError `out-of-range`
 */
export function checkElements(shape: readonly number[], most: number, where?: string): void {
  if (sizeOf(shape) <= most) return;
  throw new WhereforeError('out-of-range', `a tensor of shape ${formatShape(shape)} is too large`, {
    where,
    got: `${sizeOf(shape)} elements`,
    expected: `at most ${most}`,
    fix: 'state smaller sizes in the file',
  });
}

/**
 * Makes a tensor; `data` defaults to zeros and is not copied.
 * @throws WhereforeError `wrong-shape` when the data does not fill the shape.
 */
export function tensor<T extends DataType>(type: T, shape: readonly number[], data?: TypedArrayOf[T]): Tensor<T> {
  const length = storageLength(type, shape);
  if (!data) {
    checkElements(shape, mostElements);
    const zeros = type === 'string' ? new Array<string>(length).fill('') : new dataTypes[type].array(length);
    return { type, shape, data: zeros as TypedArrayOf[T] };
  }
  if (data.length !== length) {
    throw new WhereforeError('wrong-shape', `${type} tensor of shape ${formatShape(shape)}`, {
      got: `${data.length} elements`,
      expected: `${length}`,
    });
  }
  return { type, shape, data };
}

/** A float32 tensor from numbers. */
export function float32(shape: readonly number[], values: ArrayLike<number>): Tensor<'float32'> {
  return tensor('float32', shape, values instanceof Float32Array ? values : Float32Array.from(values));
}

/** An int64 tensor from integers. */
export function int64(shape: readonly number[], values: ArrayLike<number | bigint>): Tensor<'int64'> {
  return tensor(
    'int64',
    shape,
    values instanceof BigInt64Array ? values : BigInt64Array.from(Array.from(values, BigInt)),
  );
}

/** The same elements under another shape of the same size. */
export function reshape<T extends DataType>(t: Tensor<T>, shape: readonly number[]): Tensor<T> {
  return tensor(t.type, shape, t.data);
}

/** The tensor's bytes, without a copy. @throws for strings, which have none. */
export function bytesOf(t: Tensor): Uint8Array {
  if (t.type === 'string') throw new WhereforeError('wrong-type', 'a string tensor has no bytes', { got: 'string' });
  const { buffer, byteOffset, byteLength } = t.data as Exclude<TensorData, string[]>;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** A tensor over little-endian bytes: a view where they are aligned, else a copy. */
export function fromBytes<T extends DataType>(type: T, shape: readonly number[], bytes: Uint8Array): Tensor<T> {
  const { array, bytes: width } = dataTypes[type];
  const length = storageLength(type, shape);
  const expected = Math.ceil(sizeOf(shape) * width);
  if (type === 'string' || bytes.byteLength !== expected) {
    throw new WhereforeError('wrong-shape', `${type} tensor of shape ${formatShape(shape)}`, {
      got: `${bytes.byteLength} bytes`,
      expected: `${expected}`,
    });
  }
  const aligned = bytes.byteOffset % array.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes);
  return { type, shape, data: new array(aligned.buffer, aligned.byteOffset, length) as TypedArrayOf[T] };
}

/** Bytes that the elements occupy. */
export function byteLength(t: Tensor): number {
  return t.type === 'string' ? 0 : (t.data as Exclude<TensorData, string[]>).byteLength;
}

/** Rows `start` to `end` (exclusive) along the first axis: a view, no copy. */
export function rows<T extends DataType>(t: Tensor<T>, start: number, end: number): Tensor<T> {
  const [count, ...rest] = t.shape;
  if (t.shape.length === 0 || start < 0 || end > count || start > end) {
    throw new WhereforeError('out-of-range', `rows ${start} to ${end} of a tensor of shape ${formatShape(t.shape)}`);
  }
  const width = sizeOf(rest);
  const data =
    t.type === 'string'
      ? (t.data as string[]).slice(start * width, end * width)
      : (t.data as Float32Array).subarray(start * width, end * width);
  return { type: t.type, shape: [end - start, ...rest], data: data as TypedArrayOf[T] };
}

/** Joins tensors of equal type and equal trailing shape along the first axis. */
export function concatRows<T extends DataType>(parts: readonly Tensor<T>[]): Tensor<T> {
  const [first] = parts;
  if (!first) throw new WhereforeError('invalid-argument', 'nothing to join', { got: 'no tensors' });
  const rest = first.shape.slice(1);
  for (const part of parts) {
    if (part.type !== first.type || !sameShape(part.shape.slice(1), rest)) {
      throw new WhereforeError('wrong-shape', 'tensors to join differ', {
        got: `${part.type} ${formatShape(part.shape)}`,
        expected: `${first.type} n×${formatShape(rest)}`,
      });
    }
  }
  const count = parts.reduce((total, part) => total + part.shape[0], 0);
  const joined = tensor(first.type, [count, ...rest]);
  let offset = 0;
  for (const part of parts) {
    if (first.type === 'string') for (const text of part.data as string[]) (joined.data as string[])[offset++] = text;
    else {
      (joined.data as Float32Array).set(part.data as Float32Array, offset);
      offset += part.data.length;
    }
  }
  return joined;
}
