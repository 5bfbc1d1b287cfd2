import { WhereforeError } from '../../errors.ts';
import { nearest } from '../../nearest.ts';
import { fileName, joined, parentOf } from '../../paths.ts';
import { hexOf } from '../../tensor/content-hash.ts';
import { Sha256 } from '../../tensor/sha256.ts';
import type { AccessOptions, Files, FolderEntry } from './file-access.ts';
import { type FileKindName, fileKinds, formatBytes } from './file-kinds.ts';

/** Bytes, or what a page was given: a `File` is a blob. */
export type FileContent = Uint8Array | Blob;

const pieceLength = 4 * 2 ** 20;

/**
 * Files that lie in memory, by their paths: `model.onnx`, `images/cat.png`.
 * @example
 * const files = memoryFiles(new Map([['model.onnx', bytes], ['wherefore.yaml', new Blob([text])]]));
 */
export function memoryFiles(given: ReadonlyMap<string, FileContent> = new Map()): Files {
  const files = new Map([...given].map(([path, content]) => [joined(path), content]));
  const open = (path: string, kind: FileKindName, options: AccessOptions) => {
    const { namedBy, alsoBelow = [], limit = fileKinds[kind].limit } = options;
    const place = joined(path);
    if (namedBy !== undefined) checkBelow(place, [parentOf(joined(namedBy)), ...alsoBelow.map((one) => joined(one))]);
    const content = files.get(place);
    if (content === undefined) throw missing(path, [...files.keys()]);
    const size = content instanceof Blob ? content.size : content.length;
    if (size > limit) throw tooLarge(path, kind, size, limit);
    return { size, content };
  };
  const part = async (content: FileContent, start: number, end: number): Promise<Uint8Array<ArrayBuffer>> =>
    content instanceof Blob
      ? new Uint8Array(await content.slice(start, end).arrayBuffer())
      : new Uint8Array(content.subarray(start, end));
  return {
    read: async (path, kind, options = {}) => {
      const { content, size } = open(path, kind, options);
      return part(content, 0, size);
    },
    range: async (path, kind, [start, end], options = {}) => {
      const { content, size } = open(path, kind, options);
      return part(content, start, Math.min(end, size));
    },
    list: async (folder, { deep = false } = {}) => entriesOf(joined(folder), [...files.keys()], deep),
    write: async (path, content) => {
      const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content.slice();
      files.set(joined(path), bytes);
    },
    remove: async (path) => {
      const place = joined(path);
      for (const one of [...files.keys()]) if (one === place || isBelow(one, place)) files.delete(one);
    },
    hash: async (path, kind, options = {}) => {
      const { content, size } = open(path, kind, options);
      const hash = new Sha256();
      for (let start = 0; start < size; start += pieceLength)
        hash.update(await part(content, start, Math.min(size, start + pieceLength)));
      return hexOf(hash.digest());
    },
  };
}

/** The entries of a folder among all paths. */
function entriesOf(folder: string, paths: readonly string[], deep: boolean): FolderEntry[] {
  const found = new Map<string, boolean>();
  for (const path of paths) {
    if (!isBelow(path, folder)) continue;
    const parts = path.slice(folder === '' ? 0 : folder.length + 1).split('/');
    for (let depth = 1; depth <= (deep ? parts.length : 1); depth++)
      found.set(parts.slice(0, depth).join('/'), depth < parts.length);
  }
  if (found.size === 0 && folder !== '') throw missing(folder, paths, 'folder');
  return [...found].map(([name, isFolder]) => ({ name, isFolder })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Whether a path lies below a folder; the empty one holds all. */
const isBelow = (path: string, folder: string): boolean =>
  !path.startsWith('../') && (folder === '' || path.startsWith(`${folder}/`));

function checkBelow(place: string, folders: readonly string[]): void {
  if (folders.some((folder) => isBelow(place, folder))) return;
  throw new WhereforeError('file-unreadable', 'a file that another file names must lie below its folder', {
    where: place,
    expected: `a file below ${folders.filter(Boolean).join(' or ') || 'its folder'}`,
    fix: 'put it there',
  });
}

function missing(path: string, known: readonly string[], what = 'file'): WhereforeError {
  const guess = nearest(
    fileName(path),
    known.map((one) => fileName(one)),
  );
  return new WhereforeError('file-not-found', `there is no such ${what}`, {
    where: path,
    guess: guess && known.find((one) => fileName(one) === guess),
    fix: guess ? undefined : 'give it along with the others',
  });
}

function tooLarge(where: string, kind: FileKindName, size: number, limit: number): WhereforeError {
  return new WhereforeError('file-unreadable', `too large for ${fileKinds[kind].called}`, {
    where,
    got: formatBytes(size),
    expected: `at most ${formatBytes(limit)}`,
    fix: 'check that it is the right file',
  });
}
