import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toNumbers } from '../../tensor/convert.ts';
import { type DataType, float32, fromBytes, int64, storageLength, type Tensor, tensor } from '../../tensor/tensor.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';

const fixture = (name: string) => readFileSync(new URL(`../../../test/fixtures/arrays/${name}`, import.meta.url));

/** A file with this header and this many bytes of data. */
function fileOf(header: unknown, length: number): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

describe('reading what the safetensors package wrote', () => {
  it('reads every type', () => {
    const { tensors, metadata } = readSafetensors(fixture('numpy.safetensors'));
    expect(metadata).toEqual({ 'made by': 'safetensors' });
    for (const name of ['f4', 'f8', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8']) {
      const found = tensors.get(name) as Tensor;
      expect(found.shape, name).toEqual([2, 3]);
      expect(toNumbers(found), name).toEqual([0, 1, 2, 3, 4, 100]);
    }
    expect(tensors.get('b1')).toEqual(tensor('bool', [2, 3], Uint8Array.of(0, 1, 0, 1, 0, 0)));
    expect(tensors.get('scalar')?.shape).toEqual([]);
    expect(tensors.get('empty')?.shape).toEqual([0, 3]);
    expect(tensors.get('extremes')?.data).toEqual(BigInt64Array.of(2n ** 63n - 1n, -(2n ** 63n)));
  });

  it('reads half and brain floats', () => {
    const { tensors } = readSafetensors(fixture('halves.safetensors'));
    expect(tensors.get('half')?.type).toBe('float16');
    expect(toNumbers(tensors.get('half') as Tensor)).toEqual([1.5, -2]);
    expect(tensors.get('brain')?.type).toBe('bfloat16');
    expect(toNumbers(tensors.get('brain') as Tensor)).toEqual([1.5, -2]);
  });
});

const types = [
  'float32',
  'float64',
  'float16',
  'bfloat16',
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
] as const;

const anyTensor: fc.Arbitrary<Tensor> = fc
  .tuple(fc.constantFrom<DataType>(...types), fc.array(fc.nat(3), { maxLength: 3 }))
  .chain(([type, shape]) => {
    const length = storageLength(type, shape) * (tensor(type, [1]).data as Uint8Array).BYTES_PER_ELEMENT;
    return fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((bytes) => fromBytes(type, shape, bytes.slice()));
  });

describe('writing', () => {
  it('returns what was written, bit for bit, in the order given', () => {
    const names = fc.string({ unit: 'grapheme' }).filter((name) => name !== '__metadata__' && name !== '__proto__');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(names, anyTensor)),
        fc.dictionary(fc.string(), fc.string()),
        (entries, metadata) => {
          const tensors = new Map(entries);
          const read = readSafetensors(writeSafetensors(tensors, metadata));
          expect(read.tensors).toEqual(tensors);
          expect({ ...read.metadata }).toEqual({ ...metadata });
        },
      ),
      { numRuns: 100 },
    );
  });

  it('aligns the data, so that reading copies nothing', () => {
    const bytes = writeSafetensors({ odd: tensor('uint8', [3]), wide: int64([1], [7]), single: float32([1], [1]) });
    const { tensors } = readSafetensors(bytes);
    for (const found of tensors.values()) expect((found.data as Uint8Array).buffer).toBe(bytes.buffer);
  });

  it('refuses what the format cannot hold', () => {
    expect(() => writeSafetensors({ words: tensor('string', [1], ['a']) })).toThrow(/tensor "words" cannot be stored/);
    expect(() => writeSafetensors({ __metadata__: float32([1], [1]) })).toThrow(/may not be called/);
  });
});

describe('damaged files', () => {
  const entry = (begin: number, end: number, dtype = 'F32', shape: unknown = [(end - begin) / 4]) => ({
    dtype,
    shape,
    data_offsets: [begin, end],
  });
  it.each([
    ['an empty file', new Uint8Array(0), /too short/],
    ['a header longer than the file', fileOf({}, 0).fill(9, 0, 2), /header does not fit/],
    ['a header that is not JSON', fileOf('{"a":', 0), /not JSON/],
    ['a header that is a list', fileOf([], 0), /not a JSON object/],
    ['an unknown type', fileOf({ a: entry(0, 4, 'F8_E4M3') }, 4), /tensor "a": unknown element type \(got "F8_E4M3"/],
    ['a negative size', fileOf({ a: entry(0, 4, 'F32', [-1]) }, 4), /not a list of sizes/],
    ['a range that runs backwards', fileOf({ a: entry(4, 0, 'F32', [1]) }, 4), /not a byte range/],
    [
      'a range of another size',
      fileOf({ a: entry(0, 4, 'F32', [2]) }, 4),
      /does not hold F32 2 \(got 4, expected 8 bytes\)/,
    ],
    ['a truncated file', fileOf({ a: entry(0, 8) }, 4), /truncated/],
    ['overlapping ranges', fileOf({ a: entry(0, 8), b: entry(4, 12) }, 12), /"b" overlaps/],
    ['a gap', fileOf({ a: entry(0, 4), b: entry(8, 12) }, 12), /"b" leaves a gap/],
    ['bytes left over', fileOf({ a: entry(0, 4) }, 5), /after the last tensor/],
    ['metadata that is not text', fileOf({ __metadata__: { a: 1 } }, 0), /map from text to text/],
  ])('%s', (_, bytes, message) => {
    expect(() => readSafetensors(bytes, 'x.safetensors')).toThrow(message);
    expect(() => readSafetensors(bytes, 'x.safetensors')).toThrow(/^x\.safetensors: /);
  });

  it('every truncation of a file is refused with a WhereforeError', () => {
    const bytes = writeSafetensors({ a: float32([2], [1, 2]), b: int64([1], [3]) });
    for (let length = 0; length < bytes.length; length++) {
      expect(() => readSafetensors(bytes.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'invalid-data' }),
      );
    }
  });
});
