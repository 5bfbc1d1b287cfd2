import { readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { WhereforeError } from '../../errors.ts';
import { nearest } from '../../nearest.ts';

/**
 * The error for a file, or a folder, that the operating system does not give.
 * @param options.guess Whether the nearest name of its folder is told; default true.
 */
export async function readError(
  path: string,
  error: unknown,
  { what = 'file', guess: mayGuess = true }: { readonly what?: string; readonly guess?: boolean } = {},
): Promise<WhereforeError> {
  const code = codeOf(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    const neighbours = mayGuess ? await readdir(dirname(resolve(path))).catch(() => []) : [];
    const guess = nearest(basename(path), neighbours);
    return new WhereforeError('file-not-found', `there is no such ${what}`, {
      where: path,
      guess: guess && join(dirname(path), guess),
      fix: guess ? undefined : 'check the path',
      cause: error,
    });
  }
  return new WhereforeError('file-unreadable', systemReasons[code ?? ''] ?? `the ${what} cannot be read`, {
    where: path,
    got: code ?? String(error),
    fix: `check the ${what} and its permissions`,
    cause: error,
  });
}

/** What the codes of the operating system mean. */
export const systemReasons: Readonly<Record<string, string>> = {
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
  ENFILE: 'too many open files',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'the path is a circle of links',
  ENXIO: 'this is no regular file',
  EAGAIN: 'the file has nothing to read yet',
  ERR_INVALID_ARG_VALUE: 'no file can have this name',
};

export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** A file that is there but is not read. */
export function unreadable(where: string, what: string, details: { got?: string; expected?: string; fix: string }) {
  return new WhereforeError('file-unreadable', what, { where, ...details });
}
