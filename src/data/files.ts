import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { WhereforeError } from '../errors.ts';
import { nearest } from './nearest.ts';

/** One read call takes less than 2 GB; larger files are read in pieces. */
const pieceLength = 2 ** 30;

/**
 * All bytes of a file, also beyond 2 GB.
 * @throws WhereforeError `file-not-found` (naming the nearest file of that folder) or `file-unreadable`.
 */
export async function readBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const handle = await open(path, 'r');
    try {
      return await readAll(handle);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw await readError(path, error);
  }
}

async function readAll(handle: FileHandle): Promise<Uint8Array<ArrayBuffer>> {
  const facts = await handle.stat();
  // Pipes and devices have no size; reading a folder fails here with EISDIR.
  if (!facts.isFile()) return new Uint8Array(await handle.readFile());
  const bytes = new Uint8Array(facts.size);
  let offset = 0;
  while (offset < bytes.length) {
    const { bytesRead } = await handle.read(bytes, offset, Math.min(pieceLength, bytes.length - offset), offset);
    if (bytesRead === 0) return bytes.slice(0, offset);
    offset += bytesRead;
  }
  return bytes;
}

/** A file as UTF-8 text. @throws WhereforeError as {@link readBytes}, and `invalid-data` where it is not UTF-8. */
export async function readText(path: string): Promise<string> {
  return decodeText(await readBytes(path), path);
}

/** Bytes as UTF-8 text, without a byte-order mark. @throws WhereforeError `invalid-data` where they are not UTF-8. */
export function decodeText(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new WhereforeError('invalid-data', 'not UTF-8 text', { where, fix: 'save the file as UTF-8', cause });
  }
}

async function readError(path: string, error: unknown): Promise<WhereforeError> {
  const code = codeOf(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    const neighbours = await readdir(dirname(resolve(path))).catch(() => []);
    const guess = nearest(basename(path), neighbours);
    return new WhereforeError('file-not-found', 'there is no such file', {
      where: path,
      fix: guess ? `did you mean "${join(dirname(path), guess)}"?` : 'check the path',
      cause: error,
    });
  }
  return new WhereforeError('file-unreadable', reasons[code ?? ''] ?? 'the file cannot be read', {
    where: path,
    got: code ?? String(error),
    fix: code === 'EISDIR' ? 'name a file' : 'check the file and its permissions',
    cause: error,
  });
}

/**
 * Writes a file so that a crash leaves either the old file or the whole new one: the bytes go to a temporary file in
 * the same folder, reach the disk, and then take the name. Missing folders are made. The temporary file is removed
 * after an error and when the process is interrupted.
 * @throws WhereforeError `file-unwritable` (disk full, no permission, a folder in the way, …).
 */
export async function writeAtomically(path: string, content: Uint8Array | string): Promise<void> {
  await replaceAtomically(path, async (temporary) => {
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
  });
}

/**
 * Fills a folder and gives it its name only when it is whole: `fill` gets the path of a temporary folder beside it.
 * @throws WhereforeError `file-unwritable`, also where a folder of that name exists and is not empty.
 */
export async function writeFolderAtomically(path: string, fill: (temporary: string) => Promise<void>): Promise<void> {
  await replaceAtomically(path, async (temporary) => {
    await mkdir(temporary);
    await fill(temporary);
  });
}

async function replaceAtomically(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const target = resolve(path);
  const temporary = join(dirname(target), `.${basename(target)}.${randomUUID().slice(0, 8)}.tmp`);
  try {
    await mkdir(dirname(target), { recursive: true });
    const release = removeOnInterrupt(temporary);
    try {
      await write(temporary);
      await rename(temporary, target);
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      throw error;
    } finally {
      release();
    }
  } catch (error) {
    throw error instanceof WhereforeError || !codeOf(error) ? error : writeError(path, error);
  }
}

/** Removes the path when the process ends early. Where nobody else handles the signal it then ends the process. */
function removeOnInterrupt(path: string): () => void {
  const remove = () => rmSync(path, { recursive: true, force: true });
  const interrupted = (signal: NodeJS.Signals) => {
    remove();
    release();
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  };
  const release = () => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, interrupted);
    process.off('exit', remove);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupted);
  process.on('exit', remove);
  return release;
}

function writeError(path: string, error: unknown): WhereforeError {
  const code = codeOf(error) as string;
  return new WhereforeError('file-unwritable', reasons[code] ?? 'the file cannot be written', {
    where: path,
    got: code,
    fix:
      code === 'ENOSPC' || code === 'EDQUOT'
        ? 'free some space or write elsewhere'
        : 'write elsewhere, or change the permissions',
    cause: error,
  });
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'no permission',
  EPERM: 'no permission',
  EROFS: 'the file system is read-only',
  EISDIR: 'this is a folder, not a file',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EEXIST: 'something of that name is in the way',
  ENOTEMPTY: 'a folder of that name exists and is not empty',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would be larger than is allowed here',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'the name is too long',
};

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}
