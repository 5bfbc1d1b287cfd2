import type { Files } from '../data/files/file-access.ts';
import { bytesIfPresent } from '../data/files/file-text.ts';
import { WhereforeError } from '../errors.ts';
import type { RunStorage } from './storage.ts';

/** Files of a run below a folder of any {@link Files}: in memory, on the disk, in what a browser keeps. */
export function filesStorage(files: Files, folder: string): RunStorage {
  const placed = (name: string) => `${folder}/${name}`;
  return {
    url: folder,
    read: (name) => bytesIfPresent(files, placed(name), 'tensors'),
    write: (name, content) => files.write(placed(name), content),
    async list(prefix) {
      const inner = prefix.slice(0, prefix.lastIndexOf('/') + 1);
      const entries = await files.list(placed(inner), { deep: true }).catch((error: unknown) => {
        if (error instanceof WhereforeError && error.code === 'file-not-found') return [];
        throw error;
      });
      return entries
        .filter(({ isFolder }) => !isFolder)
        .map(({ name }) => `${inner}${name}`)
        .filter((name) => name.startsWith(prefix));
    },
    remove: (name) => files.remove(placed(name)),
    removeFolder: (name) => files.remove(placed(name)),
    adopt: async (name, path) => files.write(placed(name), await files.read(path, 'weights')),
    // What is written appears whole or not at all.
    clear: async () => undefined,
  };
}
