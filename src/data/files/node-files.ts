import type { AccessOptions, Files } from './file-access.ts';
import { FileHash } from './file-hash.ts';
import { removePath, writeAtomically } from './files.ts';
import { folderEntries, foldersOf } from './folders.ts';
import { type ReadOptions, withFile } from './open-file.ts';

/** The disk. */
export const nodeFiles: Files = {
  read: async (path, kind, options) => withFile(path, kind, await trusted(options), (file) => file.bytes()),
  range: async (path, kind, [start, end], options) =>
    withFile(path, kind, await trusted(options), (file) => file.range(start, Math.min(end, file.size))),
  list: folderEntries,
  write: writeAtomically,
  remove: removePath,
  hash: async (path, kind, options) =>
    withFile(path, kind, await trusted(options), async (file) => {
      const hash = new FileHash();
      for await (const piece of file.pieces(file.size)) hash.update(piece);
      return hash.digest();
    }),
};

/** What another file names must lie below its folder, or below the one that it really lies in where it is a link. */
async function trusted({ namedBy, alsoBelow = [], limit }: AccessOptions = {}): Promise<ReadOptions> {
  return { limit, inside: namedBy === undefined ? undefined : [...(await foldersOf(namedBy)), ...alsoBelow] };
}
