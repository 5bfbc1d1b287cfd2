import { create } from '@bufbuild/protobuf';
import { type TensorProto, TensorProto_DataLocation, TensorProtoSchema } from 'onnx-buf';
import { WhereforeError } from '../errors.ts';
import { bytesOf, type DataType, type Tensor } from '../tensor/tensor.ts';
import { dataTypeCodes } from './data-types.ts';
import type { FileRange, Initializer } from './graph.ts';

/** How weights are written; see EncodeOptions. */
export interface WeightOptions {
  readonly reference: boolean;
  readonly inlineBelow: number;
}

/** A weight, in the file or as a reference to a byte range of another one. */
export function encodeInitializer(initializer: Initializer, { reference, inlineBelow }: WeightOptions): TensorProto {
  const { name, type, shape, location, origin } = initializer;
  if (location.kind === 'file') return encodeReference(name, type, shape, location);
  if (reference && origin && origin.length >= inlineBelow) return encodeReference(name, type, shape, origin);
  if (location.kind === 'memory') return encodeTensor(location.tensor, name);
  return create(TensorProtoSchema, { ...header(name, type, shape), rawData: plain(location.bytes) });
}

/** A tensor with its elements. */
export function encodeTensor(tensor: Tensor, name = ''): TensorProto {
  const { type, shape, data } = tensor;
  if (type === 'string') {
    const encoder = new TextEncoder();
    const stringData = (data as string[]).map((text) => encoder.encode(text));
    return create(TensorProtoSchema, { ...header(name, type, shape), stringData });
  }
  return create(TensorProtoSchema, { ...header(name, type, shape), rawData: plain(bytesOf(tensor)) });
}

function header(name: string, type: DataType, shape: readonly number[]) {
  return { name, dataType: dataTypeCodes[type], dims: shape.map(BigInt) };
}

function encodeReference(name: string, type: DataType, shape: readonly number[], range: FileRange): TensorProto {
  const { path, offset, length } = range;
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length)) {
    throw new WhereforeError('invalid-argument', 'a byte range must be whole numbers', {
      where: `initializer "${name}"`,
      got: `${offset} + ${length}`,
    });
  }
  return create(TensorProtoSchema, {
    ...header(name, type, shape),
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: Object.entries({ location: path, offset, length }).map(([key, value]) => ({
      key,
      value: `${value}`,
    })),
  });
}

/** The protobuf library's types ask for an array that is not shared memory; it only reads it. */
function plain(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}
