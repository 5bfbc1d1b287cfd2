import { ByteCache } from '../../dataset/byte-cache.ts';
import { WhereforeError } from '../../errors.ts';
import type { ByteRanges } from './byte-ranges.ts';

/** What readers of files share: the bytes that they may keep. */
export type ReaderCache = ByteCache<string, unknown>;

/** Bytes that a data set keeps of its files, unless it is told otherwise. */
export const defaultBudget = 256 * 2 ** 20;

/** A cache of so many bytes. @throws WhereforeError `invalid-argument` */
export function readerCache(budget: number = defaultBudget): ReaderCache {
  if (Number.isFinite(budget) && budget >= 0) return new ByteCache(budget);
  throw new WhereforeError('invalid-argument', 'the budget of a data set is not a number of bytes', {
    got: `${budget}`,
    expected: 'a number from 0',
  });
}

const blockLength = 2 ** 20;

/** Parts of a file by way of blocks, the last used of which are kept: rows that lie side by side are read once. */
export class Blocks {
  readonly #ranges: ByteRanges;
  readonly #cache: ReaderCache;

  constructor(ranges: ByteRanges, cache: ReaderCache) {
    this.#ranges = ranges;
    this.#cache = cache;
  }

  /** Copies the bytes from `start` on into `into`. @throws WhereforeError `invalid-data` where the file ends before */
  async copy(into: Uint8Array, start: number): Promise<void> {
    for (let done = 0; done < into.length; ) {
      const block = Math.floor((start + done) / blockLength);
      const offset = start + done - block * blockLength;
      const bytes = await this.#block(block);
      const count = Math.min(into.length - done, bytes.length - offset);
      if (count <= 0) {
        throw new WhereforeError('invalid-data', 'truncated', {
          where: this.#ranges.name,
          got: `${this.#ranges.size} bytes`,
          expected: `at least ${start + into.length}`,
          fix: 'write or fetch the file again',
        });
      }
      into.set(bytes.subarray(offset, offset + count), done);
      done += count;
    }
  }

  #block(index: number): Promise<Uint8Array> {
    const start = index * blockLength;
    const end = Math.min(this.#ranges.size, start + blockLength);
    const read = () => this.#ranges.read(start, end);
    return this.#cache.get(`${this.#ranges.name} bytes ${index}`, end - start, read) as Promise<Uint8Array>;
  }
}

/** Rows of one length that lie one behind the other from `start` on, in the order of `indices`. */
export async function fixedRows(
  blocks: Blocks,
  start: number,
  rowLength: number,
  indices: Uint32Array,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(indices.length * rowLength);
  for (let i = 0; i < indices.length; ) {
    let count = 1;
    while (i + count < indices.length && indices[i + count] === indices[i] + count) count++;
    await blocks.copy(bytes.subarray(i * rowLength, (i + count) * rowLength), start + indices[i] * rowLength);
    i += count;
  }
  return bytes;
}
