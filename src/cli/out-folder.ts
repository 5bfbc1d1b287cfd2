import { mkdir, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { temporaryPath } from '../data/files/temporary.ts';
import { WhereforeError } from '../errors.ts';

/**
 * Checks that a folder can be written, or made, before long work begins: a result that cannot be kept is worth nothing.
 * @throws WhereforeError `file-unwritable`
 */
export async function checkWritable(folder: string): Promise<void> {
  let path = resolve(folder);
  for (;;) {
    const facts = await stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
      throw unwritable(folder, error.code ?? String(error));
    });
    if (facts?.isDirectory()) break;
    if (facts) throw unwritable(folder, `"${path}" is a file`);
    path = dirname(path);
  }
  // Permissions and mount options together are only known by trying; a file system may lie about each.
  const trial = await tryFolder(join(path, 'trial')).catch((error: NodeJS.ErrnoException) => {
    throw unwritable(folder, reasons[error.code ?? ''] ?? `${error.code} for "${path}"`);
  });
  await rmdir(trial);
}

/** A folder of a name that tells whose it is, so that one left by a killed process is found. */
async function tryFolder(beside: string): Promise<string> {
  const folder = temporaryPath(beside);
  await mkdir(folder);
  return folder;
}

const reasons: Readonly<Record<string, string>> = {
  EROFS: 'a read-only file system',
  EACCES: 'no permission',
  EPERM: 'no permission',
  ENOSPC: 'a full disk',
};

function unwritable(folder: string, got: string): WhereforeError {
  return new WhereforeError('file-unwritable', 'results cannot be written there', {
    where: `--out ${folder}`,
    got,
    fix: 'name another folder with --out',
  });
}
