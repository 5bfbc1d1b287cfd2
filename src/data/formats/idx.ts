import { WhereforeError } from '../../errors.ts';
import { type DataType, dataTypes, formatShape, fromBytes, sizeOf, type Tensor } from '../../tensor/tensor.ts';
import { fileKinds } from '../files/file-kinds.ts';
import { gunzip, gunzipStart } from '../files/unpack.ts';

/** Element types by the third byte of the file. */
const typeCodes: Readonly<Record<number, DataType>> = {
  8: 'uint8',
  9: 'int8',
  11: 'int16',
  12: 'int32',
  13: 'float32',
  14: 'float64',
};

/**
 * Reads an IDX file (MNIST, Fashion-MNIST), gzipped or not. A packed one is unpacked to the size that its first bytes
 * state and no further.
 * @param where Name of the file, for messages.
 * @param limit Bytes that it may unpack to; default 8 GiB.
 * @throws WhereforeError `invalid-data` for another or a truncated file, `out-of-range` beyond the limit.
 */
export function readIdx(bytes: Uint8Array, where = 'idx', limit: number = fileKinds.tensors.limit): Tensor {
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const { type, shape, start } = idxLayout(isPacked ? gunzipStart(bytes, { where }) : bytes, where);
  const width = dataTypes[type].bytes;
  const expected = sizeOf(shape) * width;
  const content = isPacked ? gunzip(bytes, { where, limit: Math.min(limit, start + expected) }) : bytes;
  if (content.length - start !== expected) {
    throw new WhereforeError('invalid-data', content.length - start < expected ? 'truncated' : 'bytes after the data', {
      where,
      got: `${content.length - start} bytes of data`,
      expected: `${expected} for ${type} ${formatShape(shape)}`,
      fix: 'fetch the file again',
    });
  }
  return idxElements(type, shape, content.slice(start));
}

/** Elements out of their bytes, which are put into another order: IDX is big-endian. */
export function idxElements(type: DataType, shape: readonly number[], data: Uint8Array): Tensor {
  const width = dataTypes[type].bytes;
  for (let i = 0; width > 1 && i < data.length; i += width) data.subarray(i, i + width).reverse();
  return fromBytes(type, shape, data);
}

/** What the first bytes of an IDX file say about the rest. @throws WhereforeError `invalid-data` */
export function idxLayout(content: Uint8Array, where: string): { type: DataType; shape: number[]; start: number } {
  const type = typeCodes[content[2]];
  const rank = content[3];
  if (content.length < 4 || content[0] !== 0 || content[1] !== 0 || !type) {
    throw new WhereforeError('invalid-data', 'not an IDX file', { where, expected: 'first bytes 0, 0, type, rank' });
  }
  const start = 4 + 4 * rank;
  if (content.length < start) throw new WhereforeError('invalid-data', 'truncated in the header', { where });
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  return { type, shape: Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i)), start };
}
