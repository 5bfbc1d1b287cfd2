import { WhereforeError } from '../errors.ts';
import {
  type DataType,
  dataTypes,
  formatShape,
  fromBytes,
  sizeOf,
  storageLength,
  type Tensor,
  type TypedArrayOf,
  tensor,
} from '../tensor/tensor.ts';
import { dataTypeOf } from './data-types.ts';
import type { FileRange, Initializer, WeightLocation } from './graph.ts';
import { externalLocation, hasField, type Message } from './messages.ts';

type TensorProto = Message<'TensorProto'>;

/** The file that is being decoded. */
export interface Source {
  readonly fileName: string;
  readonly bytes: Uint8Array;
}

/** Sparse weights become dense ones; beyond this many bytes for all of a file they are refused. */
const densestSparse = 2 ** 28;

/** Bytes of the weights of a file that were made dense. */
const madeDense = new WeakMap<Source, number>();

/** A weight of the file, its bytes left where they are. */
export function decodeInitializer(proto: TensorProto, source: Source, name = proto.name): Initializer {
  const where = `${source.fileName}, initializer "${name}"`;
  const { type, shape } = decodeHeader(proto, where);
  if (isExternal(proto))
    return { name, type, shape, location: { kind: 'file', ...externalRange(proto, type, shape, where) } };
  const raw = rawBytes(proto, type, shape, where);
  if (!raw) return { name, type, shape, location: { kind: 'memory', tensor: typedTensor(proto, type, shape, where) } };
  const aligned = raw.byteOffset % dataTypes[type].array.BYTES_PER_ELEMENT === 0;
  const location: WeightLocation = aligned
    ? { kind: 'memory', tensor: fromBytes(type, shape, raw) }
    : { kind: 'bytes', bytes: raw };
  return { name, type, shape, location, origin: rangeIn(source, raw) };
}

/** A tensor in memory, as attributes hold them, with the range of its bytes in the file where it is stored raw. */
export function decodeTensor(proto: TensorProto, source: Source, where: string): { value: Tensor; origin?: FileRange } {
  const { type, shape } = decodeHeader(proto, where);
  const raw = rawBytes(proto, type, shape, where);
  if (!raw) return { value: typedTensor(proto, type, shape, where) };
  return { value: fromBytes(type, shape, raw), origin: rangeIn(source, raw) };
}

export function isExternal(proto: TensorProto): boolean {
  return proto.dataLocation === externalLocation;
}

/** A sparse weight as a dense one. Indices are flat, or one row of coordinates an element. */
export function decodeSparse(proto: Message<'SparseTensorProto'>, source: Source): Initializer {
  const name = proto.values?.name ?? '';
  const where = `${source.fileName}, sparse initializer "${name}"`;
  if (!proto.values || !proto.indices) throw malformed(where, 'it lacks values or indices');
  const { value: values } = decodeTensor(proto.values, source, where);
  const { value: indices } = decodeTensor(proto.indices, source, where);
  const shape = decodeShape(proto.dims, where);
  const { type } = values;
  if (dataTypes[type].bytes < 1 || type.startsWith('complex')) {
    throw new WhereforeError('unsupported-model', `sparse weights of type ${type}`, { where });
  }
  const total = (madeDense.get(source) ?? 0) + sizeOf(shape) * dataTypes[type].bytes;
  if (total > densestSparse) {
    throw new WhereforeError('unsupported-model', `the sparse weights are too large to be made dense`, {
      where,
      got: `${formatShape(shape)}, ${total} bytes with those before it`,
      expected: `at most ${densestSparse} bytes`,
      fix: 'export the model with dense weights',
    });
  }
  madeDense.set(source, total);
  const coordinates = indices.shape.length === 2 ? shape.length : 1;
  if (indices.type !== 'int64' || indices.data.length !== values.data.length * coordinates) {
    throw malformed(where, 'its indices do not match its values', formatShape(indices.shape));
  }
  const dense = tensor(type, shape);
  const target = dense.data as Float32Array;
  for (let i = 0; i < values.data.length; i++) {
    let position = 0;
    for (let axis = 0; axis < coordinates; axis++) {
      const index = Number((indices.data as BigInt64Array)[i * coordinates + axis]);
      const limit = coordinates === 1 ? target.length : shape[axis];
      if (index < 0 || index >= limit) throw malformed(where, 'an index is outside its shape', `${index}`);
      position = coordinates === 1 ? index : position * shape[axis] + index;
    }
    target[position] = (values.data as Float32Array)[i];
  }
  return { name, type, shape, location: { kind: 'memory', tensor: dense } };
}

function malformed(where: string, what: string, got?: string, expected?: string): WhereforeError {
  return new WhereforeError('malformed-model', what, { where, got, expected, fix: 'export the model again' });
}

function decodeHeader(proto: TensorProto, where: string): { type: DataType; shape: number[] } {
  const type = dataTypeOf(proto.dataType);
  if (!type) {
    throw new WhereforeError('unsupported-model', 'the tensor has an unknown element type', {
      where,
      got: `type code ${proto.dataType}`,
      expected: '1 to 26',
      fix: 'export the model with a released version of ONNX',
    });
  }
  if (proto.segment) throw new WhereforeError('unsupported-model', 'the tensor is stored in segments', { where });
  return { type, shape: decodeShape(proto.dims, where) };
}

function decodeShape(dims: readonly bigint[], where: string): number[] {
  const shape = dims.map(Number);
  const bad = shape.some((dimension) => dimension < 0) || !Number.isSafeInteger(sizeOf(shape.map((d) => d || 1)));
  if (bad) throw malformed(where, 'the tensor has an impossible shape', formatShape(shape));
  return shape;
}

/** The raw_data field where the tensor is stored in it; undefined where it is stored in a typed field. */
function rawBytes(proto: TensorProto, type: DataType, shape: readonly number[], where: string): Uint8Array | undefined {
  if (!hasField(proto, 'rawData')) return undefined;
  const expected = Math.ceil(sizeOf(shape) * dataTypes[type].bytes);
  const { rawData } = proto;
  if (rawData.length === 0 && expected > 0 && typedField(proto, type).length > 0) return undefined;
  if (type === 'string') throw malformed(where, 'a string tensor cannot be stored as raw bytes');
  if (rawData.length !== expected) {
    const what = `the data does not fill the ${type} tensor of shape ${formatShape(shape)}`;
    throw malformed(where, what, `${rawData.length} bytes`, `${expected}`);
  }
  return rawData;
}

function rangeIn({ fileName, bytes }: Source, part: Uint8Array): FileRange {
  return { path: fileName, offset: part.byteOffset - bytes.byteOffset, length: part.length };
}

/** The field that holds the elements of a type when they are not stored raw. */
function typedField(proto: TensorProto, type: DataType): readonly (number | bigint | Uint8Array)[] {
  switch (type) {
    case 'float32':
    case 'complex64':
      return proto.floatData;
    case 'float64':
    case 'complex128':
      return proto.doubleData;
    case 'int64':
      return proto.int64Data;
    case 'uint32':
    case 'uint64':
      return proto.uint64Data;
    case 'string':
      return proto.stringData;
    default:
      return proto.int32Data;
  }
}

/** Small and packed types take one int32 for each entry of the array that holds them, the bits in its low end. */
function typedTensor(proto: TensorProto, type: DataType, shape: readonly number[], where: string): Tensor {
  const field = typedField(proto, type);
  const expected = storageLength(type, shape);
  if (field.length !== expected) {
    const what = `the data does not fill the ${type} tensor of shape ${formatShape(shape)}`;
    throw malformed(where, what, `${field.length} elements`, `${expected}`);
  }
  if (type === 'string')
    return tensor(
      type,
      shape,
      proto.stringData.map((bytes) => decodeText(bytes, where)),
    );
  const data = new dataTypes[type].array(expected) as unknown as (number | bigint)[];
  const wide = type === 'uint32' ? (field as bigint[]).map(Number) : (field as (number | bigint)[]);
  for (let i = 0; i < expected; i++) data[i] = wide[i];
  return { type, shape, data: data as unknown as TypedArrayOf[DataType] };
}

const strictText = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeText(bytes: Uint8Array, where: string): string {
  try {
    return strictText.decode(bytes);
  } catch (cause) {
    throw new WhereforeError('unsupported-model', 'a string of the tensor is not UTF-8', { where, cause });
  }
}

function externalRange(proto: TensorProto, type: DataType, shape: readonly number[], where: string): FileRange {
  if (type === 'string') throw malformed(where, 'a string tensor cannot be stored in another file');
  const entries = new Map(proto.externalData.map(({ key, value }) => [key, value]));
  const path = safePath(entries.get('location') ?? '', where);
  const length = Math.ceil(sizeOf(shape) * dataTypes[type].bytes);
  const offset = readInteger(entries.get('offset') ?? '0', 'offset', where);
  const declared = readInteger(entries.get('length') ?? `${length}`, 'length', where);
  if (declared !== length) {
    const what = `the external data does not fill the ${type} tensor of shape ${formatShape(shape)}`;
    throw malformed(where, what, `${declared} bytes`, `${length}`);
  }
  return { path, offset, length };
}

function readInteger(text: string, key: string, where: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value))
    throw malformed(where, `the ${key} of its external data is not a number`, `"${text}"`);
  return value;
}

/** Only files beside the model: a model must not be able to read others. */
function safePath(path: string, where: string): string {
  const segments = path.split(/[/\\]/);
  const absolute = /^([/\\]|[a-z]:)/i.test(path) || segments[0] === '*';
  if (path === '' || path.includes('\0') || absolute || segments.includes('..')) {
    throw new WhereforeError('malformed-model', 'its external data lies outside the folder of the model', {
      where,
      got: `"${path}"`,
      expected: 'a relative path without ".."',
      fix: 'put the data file beside the model and save the model with its relative name',
    });
  }
  return path;
}
