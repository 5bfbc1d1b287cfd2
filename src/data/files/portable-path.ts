import { fileName, isAbsolute, partsBelow } from '../../paths.ts';

/**
 * A path as it may be handed on with a result: it names neither the machine's folders nor its user. A path below a
 * folder is told from there, another absolute one by the name of its file alone, a relative one as it is.
 * @param from The folder; none: absolute paths are told by their names.
 */
export function portablePath(path: string, from: string | undefined): string {
  if (!isAbsolute(path)) return path;
  const parts = from === undefined ? undefined : partsBelow(from, path);
  return parts ? parts.join('/') : fileName(path);
}
