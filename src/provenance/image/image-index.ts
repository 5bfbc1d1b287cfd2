import { join } from 'node:path';
import { removePath, writeAtomically, writeFolderAtomically } from '../../data/files/files.ts';
import { folderEntries, isFolder, isTaken } from '../../data/files/folders.ts';
import { nodeFiles } from '../../data/files/node-files.ts';
import { readText } from '../../data/files/read-file.ts';
import { WhereforeError } from '../../errors.ts';
import { contentHash } from '../../tensor/content-hash.ts';
import type { ImageManifest, IndexedEncoder, IndexedItem } from './manifest.ts';
import { type ImageIndex, openImageIndexIn, parsedJson, readItems, readManifest } from './read-image-index.ts';

export type { ImageIndex };

/** An index that is being changed. */
export interface ImageIndexWriter {
  readonly manifest: ImageManifest;
  /** The hash of the file behind an id; undefined where the index has no such item. */
  hashOf(id: string): string | undefined;
  /** Writes a segment; items of known ids are replaced. The index names the segment once it is whole. */
  add(items: readonly IndexedItem[], features: Uint8Array): Promise<void>;
  /** @throws WhereforeError `unknown-name` for an id that is not there; nothing is removed then */
  remove(ids: readonly string[]): Promise<void>;
}

/**
 * Opens an index of images for adding and removing; makes one where there is none.
 * @throws WhereforeError `file-unwritable` for a folder of other things; `invalid-argument` for an index that was made
 *   with other encoders
 */
export async function changeImageIndex(
  folder: string,
  { name, encoders }: { readonly name: string; readonly encoders?: readonly IndexedEncoder[] },
): Promise<ImageIndexWriter> {
  const manifest = isTaken(join(folder, 'index.json'))
    ? await readManifest(nodeFiles, folder)
    : await newManifest(folder, name, encoders ?? []);
  if (encoders && JSON.stringify(encoders) !== JSON.stringify(manifest.encoders))
    throw otherEncoders(folder, manifest, encoders);
  const known = new Map<string, { segment: number; number: number; hash: string }>();
  for (const [segment, entry] of manifest.segments.entries()) {
    const removed = new Set(entry.removed);
    for (const [number, { id, hash }] of (await readItems(nodeFiles, folder, entry)).entries())
      if (!removed.has(number)) known.set(id, { segment, number, hash });
  }
  const drop = (id: string) => {
    const found = known.get(id);
    if (found) manifest.segments[found.segment].removed.push(found.number);
    known.delete(id);
  };
  const save = () => writeAtomically(join(folder, 'index.json'), `${JSON.stringify(manifest)}\n`);
  return {
    manifest,
    hashOf: (id) => known.get(id)?.hash,
    async add(items, features) {
      const listed = JSON.stringify(items);
      const name = contentHash([listed]).slice(0, 16);
      if (!isTaken(join(folder, name)))
        await writeFolderAtomically(join(folder, name), async (write) => {
          await write('features.safetensors', features);
          await write('items.json', listed);
        });
      for (const { id } of items) drop(id);
      const segment = manifest.segments.push({ folder: name, items: items.length, removed: [] }) - 1;
      for (const [number, { id, hash }] of items.entries()) known.set(id, { segment, number, hash });
      await save();
      // Their entries stay, as items are known by the numbers of segments; an entry costs nothing.
      for (const entry of manifest.segments)
        if (entry.removed.length === entry.items && isTaken(join(folder, entry.folder)))
          await removePath(join(folder, entry.folder));
    },
    async remove(ids) {
      const missing = ids.find((id) => !known.has(id));
      if (missing !== undefined)
        throw new WhereforeError('unknown-name', `the index has no item "${missing}"`, {
          where: folder,
          fix: 'name items by their ids, as a trace lists them',
        });
      for (const id of ids) drop(id);
      await save();
    },
  };
}

/** Opens an index of images. @throws WhereforeError `file-not-found`, `invalid-data` where it is damaged or empty */
export const openImageIndex = (folder: string): Promise<ImageIndex> => openImageIndexIn(nodeFiles, folder);

/** What an index in a folder is of; undefined where there is none. */
export async function kindOfIndex(folder: string): Promise<'text' | 'image' | undefined> {
  const path = join(folder, 'index.json');
  if (!isTaken(path)) return undefined;
  const { format } = (parsedJson(await readText(path, 'index'), path) ?? {}) as { format?: unknown };
  if (format === 'wherefore/image-index') return 'image';
  return format === 'wherefore/text-index' ? 'text' : undefined;
}

async function newManifest(folder: string, name: string, encoders: readonly IndexedEncoder[]): Promise<ImageManifest> {
  const [other] = (await isFolder(folder)) ? await folderEntries(folder) : [];
  if (other && other.name !== 'runs')
    throw new WhereforeError('file-unwritable', 'the folder is no index and is not empty', {
      where: folder,
      got: other.name,
      fix: 'name a new folder',
    });
  return { format: 'wherefore/image-index', version: 2, name, encoders: [...encoders], segments: [] };
}

function otherEncoders(folder: string, { encoders }: ImageManifest, asked: readonly IndexedEncoder[]): WhereforeError {
  const told = (all: readonly IndexedEncoder[]) =>
    all.map(({ name, layer, model }) => `${name} at ${layer} (${model.slice(0, 8)})`).join(', ') || 'none';
  return new WhereforeError('invalid-argument', 'the index was made with other encoders', {
    where: folder,
    got: told(asked),
    expected: told(encoders),
    fix: 'give the same encoders, or make a new index',
  });
}
