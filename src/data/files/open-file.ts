import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { WhereforeError } from '../../errors.ts';
import { codeOf, readError, unreadable } from './file-errors.ts';
import { type FileKindName, fileKinds, formatBytes } from './file-kinds.ts';
import { isBelow } from './folders.ts';

/** How far a path is trusted. */
export interface ReadOptions {
  /**
   * Folders that the file must lie in once links are followed: for a path that another file names. Absent for a path
   * that the caller names.
   */
  readonly inside?: readonly string[];
  /** Bytes that the file may have, where the caller knows more than its kind says. */
  readonly limit?: number;
  /** Whether a pipe is read to its end: only where a person names it. Default false. */
  readonly pipe?: boolean;
}

/** A file that was looked at through its descriptor, so that what was checked is what is read. */
export interface OpenFile {
  /** Stated size in bytes; 0 for a pipe and for files that are made as they are read, as in /proc. */
  readonly size: number;
  readonly isPipe: boolean;
  /** All bytes. @throws WhereforeError `file-unreadable` beyond the limit of the kind */
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  /** Changes when the file is written. */
  readonly version: string;
  /** The bytes from `start` up to `end`, fewer where the file ends; not of a pipe. */
  range(start: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
  /** The first `length` bytes in pieces, fewer where the file ends; a piece is valid until the next. */
  pieces(length: number): AsyncGenerator<Uint8Array>;
}

/** One read call takes less than 2 GB; larger files are read in pieces. */
const pieceLength = 2 ** 26;

/** The least that is read at once. */
const leastPiece = 2 ** 16;

/** Without a writer, a pipe is given up after this long; one whose writer is silent after this long. */
const pipePatience = { writerMs: 1000, silenceMs: 5000 };

/**
 * Opens a file of a kind for the time of `use`. Only regular files are read: a pipe would wait for ever, a device never
 * ends. Opening does not wait either, and the type, the size and the place are those of the opened file, whatever
 * happens to its name meanwhile.
 * @throws WhereforeError `file-not-found` (naming the nearest file of that folder); `file-unreadable` for what is no
 *   regular file, is larger than its kind may be, lies outside the folders that it must lie in, or cannot be read
 */
export async function withFile<T>(
  path: string,
  kind: FileKindName,
  options: ReadOptions,
  use: (file: OpenFile) => Promise<T>,
): Promise<T> {
  if (options.inside && !isBelow(resolve(path), options.inside)) throw outside(path, options.inside);
  for (const observe of readObservers) observe(path);
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0));
    const facts = await handle.stat();
    if (options.inside) await checkPosition(path, facts, options.inside);
    checkType(path, kind, facts, options);
    return await use(opened(handle, path, kind, facts, options.limit ?? fileKinds[kind].limit));
  } catch (error) {
    throw error instanceof WhereforeError || !codeOf(error)
      ? error
      : await readError(path, error, { guess: !options.inside });
  } finally {
    await handle?.close();
  }
}

const readObservers = new Set<(path: string) => void>();

/** Tells of every file that is opened while `work` runs, by the path that it is opened under. */
export async function observeReads<T>(observe: (path: string) => void, work: () => Promise<T>): Promise<T> {
  readObservers.add(observe);
  try {
    return await work();
  } finally {
    readObservers.delete(observe);
  }
}

/** Where the opened file really lies. The name may have been given to another file meanwhile: that is refused too. */
async function checkPosition(path: string, facts: Stats, folders: readonly string[]): Promise<void> {
  const real = await realpath(path);
  const there = await stat(real);
  const allowed = await Promise.all(folders.map((folder) => realpath(folder).catch(() => resolve(folder))));
  if (there.ino !== facts.ino || there.dev !== facts.dev || !isBelow(real, allowed)) throw outside(path, folders);
}

function outside(path: string, folders: readonly string[]): WhereforeError {
  return new WhereforeError('file-unreadable', 'a file that another file names must lie below its folder', {
    where: path,
    expected: `a file below ${folders.join(' or ')}`,
    fix: 'copy it there',
  });
}

function checkType(path: string, kind: FileKindName, facts: Stats, options: ReadOptions): void {
  const { pipe = false, limit = fileKinds[kind].limit } = options;
  const { called } = fileKinds[kind];
  if (facts.isDirectory()) throw unreadable(path, 'this is a folder, not a file', { fix: 'name a file' });
  if (!facts.isFile() && !(pipe && facts.isFIFO())) {
    throw unreadable(path, 'this is no regular file', {
      got: typeOf(facts),
      expected: called,
      fix: 'save its content as a file',
    });
  }
  if (facts.size > limit) throw tooLarge(path, kind, formatBytes(facts.size), limit);
}

const typeOf = (facts: Stats): string => (facts.isFIFO() ? 'a pipe' : facts.isSocket() ? 'a socket' : 'a device');

function tooLarge(path: string, kind: FileKindName, got: string, limit: number): WhereforeError {
  const { called } = fileKinds[kind];
  return unreadable(path, `too large for ${called}`, {
    got,
    expected: `at most ${formatBytes(limit)}`,
    fix: 'check that it is the right file',
  });
}

function opened(handle: FileHandle, path: string, kind: FileKindName, facts: Stats, limit: number): OpenFile {
  const isPipe = !facts.isFile();
  const read = isPipe ? pipeReader(handle, path) : fileReader(handle);
  return {
    size: isPipe ? 0 : facts.size,
    isPipe,
    version: `${facts.ino} ${facts.size} ${facts.mtimeMs}`,
    range: async (start, end) => {
      const bytes = new Uint8Array(Math.max(0, end - start));
      for (let length = 0; length < bytes.length; ) {
        const most = Math.min(pieceLength, bytes.length - length);
        const { bytesRead } = await handle.read(bytes, length, most, start + length);
        if (bytesRead === 0) return bytes.slice(0, length);
        length += bytesRead;
      }
      return bytes;
    },
    bytes: () => readAll(read, path, kind, { size: isPipe ? 0 : facts.size, limit }),
    async *pieces(length) {
      // As large as the file: thousands of small ones would fill the memory with empty buffers.
      const most = isPipe ? pieceLength : Math.max(leastPiece, facts.size);
      const piece = new Uint8Array(Math.min(pieceLength, length, most));
      for (let left = length; left > 0; ) {
        const count = await read(piece, 0, Math.min(piece.length, left));
        if (count === 0) return;
        yield piece.subarray(0, count);
        left -= count;
      }
    },
  };
}

/** Reads the next bytes into a part of a buffer; 0 at the end. */
type Read = (into: Uint8Array, offset: number, length: number) => Promise<number>;

function fileReader(handle: FileHandle): Read {
  return async (into, offset, length) => (await handle.read(into, offset, length, null)).bytesRead;
}

/** The stated size first, and then whatever follows: files in /proc state none, others grow. */
async function readAll(
  read: Read,
  path: string,
  kind: FileKindName,
  { size, limit }: { readonly size: number; readonly limit: number },
): Promise<Uint8Array<ArrayBuffer>> {
  let bytes = new Uint8Array(size);
  let length = 0;
  while (length < bytes.length) {
    const count = await read(bytes, length, Math.min(pieceLength, bytes.length - length));
    if (count === 0) return bytes.slice(0, length);
    length += count;
  }
  // What states its size has seldom more.
  const probe = new Uint8Array(size > 0 ? 512 : leastPiece);
  for (;;) {
    const count = await read(probe, 0, probe.length);
    if (count === 0) return length === bytes.length ? bytes : bytes.slice(0, length);
    if (length + count > limit) throw tooLarge(path, kind, `more than ${formatBytes(limit)}`, limit);
    if (length + count > bytes.length) {
      const larger = new Uint8Array(Math.min(limit, Math.max(2 * bytes.length, length + count)));
      larger.set(bytes.subarray(0, length));
      bytes = larger;
    }
    bytes.set(probe.subarray(0, count), length);
    length += count;
  }
}

/** Reads of a pipe do not wait: an empty one is asked again, for a while. */
function pipeReader(handle: FileHandle, path: string): Read {
  const pauseMs = 20;
  let begun = false;
  return async (into, offset, length) => {
    for (let waited = 0; ; waited += pauseMs) {
      const count = await handle.read(into, offset, length, null).then(
        ({ bytesRead }) => bytesRead,
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'EAGAIN') return undefined;
          throw error;
        },
      );
      if (count || (count === 0 && begun)) {
        begun = true;
        return count;
      }
      const isSilent = count === undefined;
      if (waited >= (isSilent ? pipePatience.silenceMs : pipePatience.writerMs)) {
        throw unreadable(path, isSilent ? 'nothing comes through this pipe' : 'nothing writes to this pipe', {
          fix: 'save its content as a file',
        });
      }
      await setTimeout(pauseMs);
    }
  };
}
