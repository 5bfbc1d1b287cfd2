import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
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
  await access(path, constants.W_OK | constants.X_OK).catch((error: NodeJS.ErrnoException) => {
    throw unwritable(folder, error.code === 'EROFS' ? 'a read-only file system' : `no permission for "${path}"`);
  });
}

function unwritable(folder: string, got: string): WhereforeError {
  return new WhereforeError('file-unwritable', 'results cannot be written there', {
    where: `--out ${folder}`,
    got,
    fix: 'name another folder with --out',
  });
}
