import { WhereforeError } from '../../errors.ts';
import { takeRows } from '../../tensor/take-rows.ts';
import { type DataType, dataTypes, fromBytes, sizeOf, type Tensor } from '../../tensor/tensor.ts';
import { formatBytes } from '../files/file-kinds.ts';
import { gunzipStart } from '../files/unpack.ts';
import { idxElements, idxLayout, readIdx } from '../formats/idx.ts';
import { npyLayout, readNpy } from '../formats/npy.ts';
import { safetensorsHeaderEnd, safetensorsLayout } from '../formats/safetensors.ts';
import { Blocks, fixedRows, type ReaderCache } from './blocks.ts';
import type { ByteRanges } from './byte-ranges.ts';
import { zipEntries } from './zip-entries.ts';

/** An array in a file, of which some rows along its first axis are read at a time. */
export interface TensorRows {
  readonly type: DataType;
  readonly shape: readonly number[];
  read(indices: Uint32Array): Promise<Tensor>;
}

/** The arrays of a file, by name; the only one of a `.npy` or IDX file under an empty name. */
export type TensorFile = ReadonlyMap<string, TensorRows>;

type Open = (ranges: ByteRanges, cache: ReaderCache) => Promise<TensorFile>;

/** Openers of files of arrays, by the file's ending. */
export const tensorFiles: Readonly<Record<string, Open>> = {
  '.npy': async (ranges, cache) => new Map([['', await npyRows(ranges, cache)]]),
  '.npz': npzRows,
  '.safetensors': safetensorsRows,
};

/** The array of an IDX file (MNIST), gzipped or not: a packed one is unpacked whole. @throws as `readIdx` */
export async function idxRows(ranges: ByteRanges, cache: ReaderCache): Promise<TensorRows> {
  const head = await ranges.read(0, Math.min(ranges.size, headLength));
  const where = ranges.name;
  const isPacked = head[0] === 0x1f && head[1] === 0x8b;
  const layout = idxLayout(isPacked ? gunzipStart(head, { where }) : head, where);
  const width = dataTypes[layout.type].bytes;
  if (isPacked) {
    const load = async () => readIdx(await ranges.read(0, ranges.size), where);
    return wholeRows(ranges, cache, { ...layout, width }, load);
  }
  const decode = (shape: readonly number[], bytes: Uint8Array) => idxElements(layout.type, shape, bytes);
  const expected = layout.start + sizeOf(layout.shape) * width;
  if (ranges.size !== expected) throw wrongSize(where, ranges.size, expected);
  return storedRows(ranges, cache, { ...layout, width, decode });
}

const headLength = 2 ** 20 + 2 ** 12;

async function npyRows(ranges: ByteRanges, cache: ReaderCache): Promise<TensorRows> {
  const layout = npyLayout(await ranges.read(0, Math.min(ranges.size, headLength)), ranges.name);
  const expected = layout.start + sizeOf(layout.shape) * layout.width;
  if (ranges.size !== expected) throw wrongSize(ranges.name, ranges.size, expected);
  if (!layout.fortran) return storedRows(ranges, cache, layout);
  return wholeRows(ranges, cache, layout, async () => readNpy(await ranges.read(0, ranges.size), ranges.name));
}

async function npzRows(ranges: ByteRanges, cache: ReaderCache): Promise<TensorFile> {
  const arrays = new Map<string, TensorRows>();
  for (const entry of await zipEntries(ranges, cache)) {
    if (!entry.name.endsWith('.npy')) {
      throw new WhereforeError('invalid-data', 'something other than an array in a .npz file', {
        where: ranges.name,
        got: `"${entry.name}"`,
        expected: 'names that end in .npy',
      });
    }
    const name = entry.name.slice(0, -4);
    arrays.set(name, await npyRows(entry.ranges, cache));
  }
  return arrays;
}

async function safetensorsRows(ranges: ByteRanges, cache: ReaderCache): Promise<TensorFile> {
  const { name: where, size } = ranges;
  const end = safetensorsHeaderEnd(await ranges.read(0, Math.min(8, size)), where, size);
  const { entries } = safetensorsLayout(await ranges.read(0, end), where, size);
  return new Map(
    entries.map(({ name, type, shape, begin }) => [
      name,
      storedRows(ranges, cache, {
        type,
        shape,
        start: begin,
        width: dataTypes[type].bytes,
        decode: (part, bytes) => fromBytes(type, part, bytes),
      }),
    ]),
  );
}

interface Stored {
  readonly type: DataType;
  readonly shape: readonly number[];
  readonly start: number;
  /** Bytes of an element. */
  readonly width: number;
  decode(shape: readonly number[], bytes: Uint8Array): Tensor;
}

/** Rows that lie one behind the other in a file. */
function storedRows(ranges: ByteRanges, cache: ReaderCache, stored: Stored): TensorRows {
  const { type, shape, start, width, decode } = stored;
  const rest = shape.slice(1);
  const blocks = new Blocks(ranges, cache);
  return {
    type,
    shape,
    read: async (indices) =>
      decode([indices.length, ...rest], await fixedRows(blocks, start, sizeOf(rest) * width, indices)),
  };
}

/** Rows of an array that can only be read whole: it is kept where it fits into the budget, and must. */
function wholeRows(
  ranges: ByteRanges,
  cache: ReaderCache,
  { type, shape, width }: Pick<Stored, 'type' | 'shape' | 'width'>,
  load: () => Promise<Tensor>,
): TensorRows {
  const bytes = sizeOf(shape) * width;
  if (bytes > cache.limit) {
    throw new WhereforeError('out-of-range', 'an array that can only be read whole is larger than the budget', {
      where: ranges.name,
      got: formatBytes(bytes),
      expected: `at most ${formatBytes(cache.limit)}`,
      fix: 'unpack the file (or store the array row by row, in C order), or allow a larger budget',
    });
  }
  return {
    type,
    shape,
    read: async (indices) => takeRows((await cache.get(`${ranges.name} whole`, bytes, load)) as Tensor, indices),
  };
}

function wrongSize(where: string, got: number, expected: number): WhereforeError {
  return new WhereforeError('invalid-data', got < expected ? 'truncated array' : 'bytes after the array', {
    where,
    got: `${got} bytes`,
    expected: `${expected}`,
    fix: 'write or fetch the file again',
  });
}
