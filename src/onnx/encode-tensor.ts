import { WhereforeError } from '../errors.ts';
import { bytesOf, type DataType, type Tensor } from '../tensor/tensor.ts';
import { dataTypeCodes } from './data-types.ts';
import type { FileRange, Initializer } from './graph.ts';
import { externalLocation, type MessageInit } from './messages.ts';

type TensorProto = MessageInit<'TensorProto'>;

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
  return { ...header(name, type, shape), rawData: location.bytes };
}

/** A tensor with its elements. */
export function encodeTensor(tensor: Tensor, name = ''): TensorProto {
  const { type, shape, data } = tensor;
  if (type === 'string') {
    const encoder = new TextEncoder();
    const stringData = (data as string[]).map((text) => encoder.encode(text));
    return { ...header(name, type, shape), stringData };
  }
  return { ...header(name, type, shape), rawData: bytesOf(tensor) };
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
  return {
    ...header(name, type, shape),
    dataLocation: externalLocation,
    externalData: Object.entries({ location: path, offset, length }).map(([key, value]) => ({
      key,
      value: `${value}`,
    })),
  };
}
