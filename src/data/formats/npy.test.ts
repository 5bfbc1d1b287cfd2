import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toNumbers } from '../../tensor/convert.ts';
import { float32, fromBytes, storageLength, type Tensor, tensor } from '../../tensor/tensor.ts';
import { readNpy, writeNpy } from './npy.ts';
import { readNpz, writeNpz } from './npz.ts';

const fixture = (name: string) => readFileSync(new URL(`../../../test/fixtures/arrays/${name}`, import.meta.url));
/** What NumPy itself calls its type codes. */
const typeNames: Readonly<Record<string, string>> = JSON.parse(String(fixture('types.json')));

describe.each(['stored.npz', 'compressed.npz'])('%s, as NumPy wrote it', (file) => {
  const arrays = readNpz(fixture(file), file);

  it('reads every numeric type', () => {
    for (const [name, type] of Object.entries(typeNames)) {
      const found = arrays.get(name) as Tensor;
      expect(found.type).toBe(type);
      expect(found.shape).toEqual([2, 3]);
      expect(toNumbers(found)).toEqual([0, 1, 2, 3, 4, 100]);
    }
    expect(arrays.get('b1')).toEqual(tensor('bool', [2, 3], Uint8Array.of(0, 1, 0, 1, 0, 0)));
    expect(arrays.get('extremes')?.data).toEqual(BigInt64Array.of(2n ** 63n - 1n, -(2n ** 63n)));
  });

  it('reads scalars, empty arrays and text', () => {
    expect(arrays.get('scalar')).toEqual(float32([], [2.5]));
    expect(arrays.get('empty')).toEqual(float32([0, 3], []));
    expect(arrays.get('text')).toEqual(tensor('string', [3], ['a', 'naïve', '🐕']));
    expect(arrays.get('bytes')).toEqual(tensor('string', [2], ['ab', 'c']));
  });

  it('brings Fortran order and big-endian bytes into its own order', () => {
    // make.py: arange(24) in shape 2×3×4, stored column by column.
    expect(arrays.get('fortran')).toEqual(
      float32(
        [2, 3, 4],
        Array.from({ length: 24 }, (_, i) => i),
      ),
    );
    expect(arrays.get('big')).toEqual(tensor('int32', [2, 3], Int32Array.of(0, 1, 2, 3, 4, 100)));
  });
});

describe('writeNpy', () => {
  const types = [
    'float32',
    'float64',
    'float16',
    'int8',
    'uint8',
    'int16',
    'uint16',
    'int32',
    'uint32',
    'int64',
    'uint64',
  ] as const;

  it('returns what was written, bit for bit', () => {
    const anyTensor = fc
      .tuple(fc.constantFrom(...types), fc.array(fc.nat(3), { maxLength: 4 }))
      .chain(([type, shape]) => {
        const length = storageLength(type, shape) * tensor(type, [1]).data.BYTES_PER_ELEMENT;
        return fc
          .uint8Array({ minLength: length, maxLength: length })
          .map((bytes) => fromBytes(type, shape, bytes.slice()) as Tensor);
      });
    fc.assert(
      fc.property(anyTensor, (t) => {
        const bytes = writeNpy(t);
        expect(readNpy(bytes)).toEqual(t);
        expect((bytes.length - t.data.length * (t.data as Uint8Array).BYTES_PER_ELEMENT) % 64).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  it('writes the bytes that NumPy writes', () => {
    const arrays = readNpz(fixture('stored.npz'));
    // np.save pads the header to the same 64 bytes; the first float32 array of the fixture is stored uncompressed.
    const written = Buffer.from(writeNpy(arrays.get('f4') as Tensor));
    expect(fixture('stored.npz').includes(written)).toBe(true);
  });

  it('refuses text with codes beyond Unicode', () => {
    const bytes = writeNpy(tensor('string', [1], ['a'])).slice();
    bytes.set([0, 0, 0, 5], bytes.length - 4);
    expect(() => readNpy(bytes, 'names.npy')).toThrow(
      /names\.npy: a text with a code that no letter has \(got 83886080/,
    );
  });

  it('writes text and booleans', () => {
    const words = tensor('string', [2], ['a', 'naïve 🐕']);
    expect(readNpy(writeNpy(words))).toEqual(words);
    const flags = tensor('bool', [2], Uint8Array.of(0, 1));
    expect(readNpy(writeNpy(flags))).toEqual(flags);
  });

  it('refuses types that NumPy lacks', () => {
    expect(() => writeNpy(tensor('bfloat16', [1]))).toThrow(/no type for bfloat16.*Fix: convert/);
  });
});

describe('bad files', () => {
  const good = writeNpy(float32([2, 2], [1, 2, 3, 4]));

  it('names what it cannot read', () => {
    expect(() => readNpy(fixture('objects.npy'))).toThrow(/got dtype \|O.*pickled/);
    expect(() => readNpy(fixture('complex.npy'))).toThrow(/got dtype <c8/);
    expect(() => readNpy(fixture('records.npy'))).toThrow(/array of records/);
    expect(() => readNpy(new TextEncoder().encode('plain text file'))).toThrow(/not a \.npy file/);
    expect(() => readNpz(good, 'a.npz')).toThrow(/^a\.npz: not a ZIP/);
  });

  it('refuses every truncation, and bytes too many', () => {
    for (let length = 0; length < good.length; length++) {
      expect(() => readNpy(good.subarray(0, length))).toThrow(expect.objectContaining({ code: 'invalid-data' }));
    }
    expect(() => readNpy(Uint8Array.of(...good, 0))).toThrow(/bytes after the array/);
  });
});

describe('writeNpz', () => {
  it('keeps names and values, and equal tensors give equal bytes', () => {
    const tensors = new Map<string, Tensor>([
      ['grad/input', float32([2], [1, 2])],
      ['b', tensor('int64', [1], BigInt64Array.of(-1n))],
    ]);
    for (const compress of [false, true]) {
      const bytes = writeNpz(tensors, { compress });
      expect(readNpz(bytes)).toEqual(tensors);
      expect(writeNpz(tensors, { compress })).toEqual(bytes);
    }
  });
});
