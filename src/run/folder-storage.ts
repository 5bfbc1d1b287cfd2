import { copyFile, link, rm } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { replaceAtomically, writeAtomically } from '../data/files/files.ts';
import { folderEntries, isFile, isFolder } from '../data/files/folders.ts';
import { readBytesIfPresent } from '../data/files/read-file.ts';
import { clearAbandoned } from '../data/files/temporary.ts';
import type { RunStorage } from './storage.ts';

/** Files of a run in a folder, which other machines may share. */
export function folderStorage(path: string): RunStorage {
  const folder = resolve(path);
  const placed = (name: string) => resolve(folder, name);
  return {
    url: folder,
    read: (name) => readBytesIfPresent(placed(name), 'tensors'),
    write: (name, content) => writeAtomically(placed(name), content),
    async list(prefix) {
      const below = placed(prefix.slice(0, prefix.lastIndexOf('/') + 1));
      if (!(await isFolder(below))) return [];
      const entries = await folderEntries(below, { deep: true });
      return entries
        .filter(({ isFolder }) => !isFolder)
        .map(({ name }) => relative(folder, join(below, name)).split(sep).join('/'))
        .filter((name) => name.startsWith(prefix) && !name.endsWith('.tmp'));
    },
    remove: (name) => rm(placed(name), { force: true }),
    removeFolder: (name) => rm(placed(name), { recursive: true, force: true }),
    async adopt(name, file) {
      if (await isFile(placed(name))) return;
      // A link costs nothing; another file system, or one without links, gets a copy.
      await replaceAtomically(placed(name), (temporary) =>
        link(file, temporary).catch(() => copyFile(file, temporary)),
      );
    },
    async clear() {
      if (!(await isFolder(folder))) return;
      const folders = (await folderEntries(folder, { deep: true })).filter((entry) => entry.isFolder);
      for (const { name } of [{ name: '.' }, ...folders]) await clearAbandoned(join(folder, name), { again: true });
    },
  };
}
