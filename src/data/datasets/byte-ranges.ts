import type { PassOptions } from '../../dataset/dataset.ts';
import { throwIfCancelled } from '../../runtime/runtime.ts';
import { FileHash } from '../files/file-hash.ts';

/** Bytes of which any part can be read: a file, what a page was given, memory. */
export interface ByteRanges {
  /** Name of the file, for messages. */
  readonly name: string;
  readonly size: number;
  /** The bytes from `start` up to `end`, fewer where they end. */
  read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
}

const pieceLength = 4 * 2 ** 20;

/** All bytes in order, a few MiB at a time. @throws WhereforeError `cancelled` between them */
export async function* pieces(
  ranges: ByteRanges,
  { signal, onProgress }: PassOptions = {},
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let start = 0; start < ranges.size; start += pieceLength) {
    throwIfCancelled(signal);
    const end = Math.min(ranges.size, start + pieceLength);
    yield await ranges.read(start, end);
    onProgress?.(end, ranges.size);
  }
}

/** SHA-256 of all bytes, of which a few MiB are held at a time. */
export async function hashOfRanges(ranges: ByteRanges, options: PassOptions = {}): Promise<string> {
  const hash = new FileHash();
  for await (const piece of pieces(ranges, options)) hash.update(piece);
  return hash.digest();
}
