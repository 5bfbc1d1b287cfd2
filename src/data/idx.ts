import { gunzipSync } from 'fflate';
import { WhereforeError } from '../errors.ts';
import { type DataType, dataTypes, formatShape, fromBytes, sizeOf, type Tensor } from '../tensor/tensor.ts';

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
 * Reads an IDX file (MNIST, Fashion-MNIST), gzipped or not.
 * @param where Name of the file, for messages.
 * @throws WhereforeError `invalid-data` for another or a truncated file.
 */
export function readIdx(bytes: Uint8Array, where = 'idx'): Tensor {
  const content = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzip(bytes, where) : bytes;
  const type = typeCodes[content[2]];
  const rank = content[3];
  if (content.length < 4 || content[0] !== 0 || content[1] !== 0 || !type) {
    throw new WhereforeError('invalid-data', 'not an IDX file', { where, expected: 'first bytes 0, 0, type, rank' });
  }
  const start = 4 + 4 * rank;
  if (content.length < start) throw new WhereforeError('invalid-data', 'truncated in the header', { where });
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const width = dataTypes[type].bytes;
  const expected = sizeOf(shape) * width;
  if (content.length - start !== expected) {
    throw new WhereforeError('invalid-data', content.length - start < expected ? 'truncated' : 'bytes after the data', {
      where,
      got: `${content.length - start} bytes of data`,
      expected: `${expected} for ${type} ${formatShape(shape)}`,
      fix: 'fetch the file again',
    });
  }
  const data = content.slice(start);
  // IDX is big-endian.
  for (let i = 0; width > 1 && i < data.length; i += width) data.subarray(i, i + width).reverse();
  return fromBytes(type, shape, data);
}

function gunzip(bytes: Uint8Array, where: string): Uint8Array {
  try {
    return gunzipSync(bytes);
  } catch (cause) {
    throw new WhereforeError('invalid-data', 'damaged or truncated gzip file', {
      where,
      fix: 'fetch the file again',
      cause,
    });
  }
}
