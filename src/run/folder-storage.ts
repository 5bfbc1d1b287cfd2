import { copyFile, link } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { replaceAtomically } from '../data/files/files.ts';
import { folderEntries, isFile, isFolder } from '../data/files/folders.ts';
import { nodeFiles } from '../data/files/node-files.ts';
import { clearAbandoned } from '../data/files/temporary.ts';
import { filesStorage } from './files-storage.ts';
import type { RunStorage } from './storage.ts';

/** Files of a run in a folder of the disk, which other machines may share. */
export function folderStorage(path: string): RunStorage {
  const folder = resolve(path);
  const there = filesStorage(nodeFiles, folder);
  return {
    ...there,
    // What another process is writing is not there yet.
    list: async (prefix) => (await there.list(prefix)).filter((name) => !name.endsWith('.tmp')),
    async adopt(name, file) {
      const place = resolve(folder, name);
      if (await isFile(place)) return;
      // A link costs nothing; another file system, or one without links, gets a copy.
      await replaceAtomically(place, (temporary) => link(file, temporary).catch(() => copyFile(file, temporary)));
    },
    async clear() {
      if (!(await isFolder(folder))) return;
      const folders = (await folderEntries(folder, { deep: true })).filter((entry) => entry.isFolder);
      for (const { name } of [{ name: '.' }, ...folders]) await clearAbandoned(join(folder, name), { again: true });
    },
  };
}
