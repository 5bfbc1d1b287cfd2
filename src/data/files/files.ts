import { rmSync } from 'node:fs';
import { mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { WhereforeError } from '../../errors.ts';
import { codeOf, systemReasons } from './file-errors.ts';
import { clearAbandoned, temporaryPath } from './temporary.ts';

/**
 * Writes a file so that a crash leaves either the old file or the whole new one: the bytes go to a temporary file in
 * the same folder, reach the disk, and then take the name, with the permissions of the old file. Missing folders are
 * made. The temporary file is removed after an error and when the process is interrupted; after a kill, by the next that
 * writes into the folder.
 * @throws WhereforeError `file-unwritable` (disk full, no permission, a folder in the way, …).
 */
export async function writeAtomically(path: string, content: Uint8Array | string): Promise<void> {
  await replaceAtomically(path, async (temporary) => {
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(content);
      // Whoever may read the old file may read the new one, and nobody else.
      const mode = (await stat(path).catch(() => undefined))?.mode;
      if (mode !== undefined) await handle.chmod(mode & 0o777);
      await handle.sync();
    } finally {
      await handle.close();
    }
  });
}

/** Removes a file, or a folder with all that lies in it, if it is there. */
export const removePath = (path: string): Promise<void> => rm(path, { recursive: true, force: true });

/** Writes a file of a folder that is being filled. */
export type WriteEntry = (name: string, content: Uint8Array | string) => Promise<void>;

/**
 * Fills a folder and gives it its name only when it is whole: `fill` writes its files, which lie in a temporary folder
 * beside it until then.
 * @throws WhereforeError `file-unwritable`, also where a folder of that name exists and is not empty.
 */
export async function writeFolderAtomically(path: string, fill: (write: WriteEntry) => Promise<void>): Promise<void> {
  await replaceAtomically(path, async (temporary) => {
    await mkdir(temporary);
    await fill((name, content) => writeFile(join(temporary, name), content));
  });
}

/**
 * Gives a path to what `write` makes under a temporary name beside it, once that is whole.
 * @throws WhereforeError `file-unwritable`
 */
export async function replaceAtomically(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const target = resolve(path);
  const temporary = temporaryPath(target);
  try {
    await mkdir(dirname(target), { recursive: true });
    await clearAbandoned(dirname(target));
    const release = removeOnInterrupt(temporary);
    for (const observe of observers) observe(temporary, true);
    try {
      await write(temporary);
      await rename(temporary, target);
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      throw error;
    } finally {
      release();
      for (const observe of observers) observe(temporary, false);
    }
  } catch (error) {
    throw error instanceof WhereforeError || !codeOf(error) ? error : writeError(path, error);
  }
}

type TemporaryObserver = (path: string, exists: boolean) => void;

const observers = new Set<TemporaryObserver>();

/** Tells of every temporary path as it comes and goes, so that what is killed while it writes can be cleared away. */
export function observeTemporary(observer: TemporaryObserver): void {
  observers.add(observer);
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
  return new WhereforeError('file-unwritable', systemReasons[code] ?? 'the file cannot be written', {
    where: path,
    got: code,
    fix:
      code === 'ENOSPC' || code === 'EDQUOT'
        ? 'free some space or write elsewhere'
        : 'write elsewhere, or change the permissions',
    cause: error,
  });
}
