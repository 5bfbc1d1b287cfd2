import { isAbsolute, relative, sep } from 'node:path';

/**
 * A path as it may be handed on with a result: it names neither the machine's folders nor its user. A path below a
 * folder is told from there, another absolute one by the name of its file alone, a relative one as it is.
 * @param from Default: the current folder.
 */
export function portablePath(path: string, from: string = process.cwd()): string {
  if (!isAbsolute(path)) return path;
  const below = relative(from, path);
  if (below === '' || isAbsolute(below)) return lastPart(path);
  const parts = below.split(sep);
  return parts[0] === '..' ? lastPart(path) : parts.join('/');
}

const lastPart = (path: string): string =>
  path
    .split(/[\\/]/)
    .filter((part) => part !== '')
    .pop() ?? '.';
