import { existsSync } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import type { FolderEntry } from './file-access.ts';
import { readError } from './file-errors.ts';

/** Whether the path is a folder; false where there is nothing. */
export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

/** Whether there is anything under a path, without waiting. */
export const isTaken = (path: string): boolean => existsSync(path);

/** The first of some folders that a path leads to a file below, links followed, and that file; undefined where none does. */
export async function findBelow(
  folders: readonly string[],
  path: string,
): Promise<{ readonly folder: string; readonly path: string } | undefined> {
  for (const folder of folders) {
    const place = resolve(folder, path);
    if (!isBelow(place, [resolve(folder)]) || !existsSync(place)) continue;
    if (isBelow(await realPath(place), [await realPath(folder)])) return { folder, path: place };
  }
  return undefined;
}

/** Whether a path, as it is written, lies below one of some folders. */
export function isBelow(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => {
    const way = relative(resolve(folder), path);
    return way !== '' && way !== '..' && !/^\.\.[/\\]/.test(way) && !isAbsolute(way);
  });
}

/** Whether the path is a regular file; false where there is nothing. */
export async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

/**
 * What lies in a folder, by name in alphabetical order; with `deep` all below it, as paths from it, links to folders not
 * followed.
 * @throws WhereforeError `file-not-found`, `file-unreadable`
 */
export async function folderEntries(folder: string, options: { readonly deep?: boolean } = {}): Promise<FolderEntry[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: options.deep === true }).catch(
    async (error) => {
      throw await readError(folder, error, { what: 'folder' });
    },
  );
  // One path for each folder, not for each of its hundred thousand files.
  const places = new Map<string, string>();
  const placeOf = (parent: string) => {
    const known = places.get(parent) ?? relative(folder, parent).split(sep).join('/');
    places.set(parent, known);
    return known === '' ? '' : `${known}/`;
  };
  return entries
    .map((entry) => ({ name: placeOf(entry.parentPath) + entry.name, isFolder: entry.isDirectory() }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Where a path leads once links are followed; the path itself where there is nothing. */
export async function realPath(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}

/** The folders that a file may name files of: its own, and the one that it really lies in where it is a link. */
export async function foldersOf(path: string): Promise<string[]> {
  return [...new Set([dirname(resolve(path)), dirname(await realPath(path))])];
}
