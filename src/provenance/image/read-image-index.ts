import { checked } from '../../checked.ts';
import type { Files } from '../../data/files/file-access.ts';
import { textAt } from '../../data/files/file-text.ts';
import { WhereforeError } from '../../errors.ts';
import { within } from '../../paths.ts';
import { type FeatureBlock, joinBlocks, readBlock } from './features.ts';
import { type ImageManifest, type IndexedEncoder, type IndexedItem, imageManifest, segmentItems } from './manifest.ts';
import { takeItems } from './take-items.ts';

/** An index of images, whole in memory. */
export interface ImageIndex {
  readonly folder: string;
  /** What the data is called. */
  readonly name: string;
  readonly encoders: readonly IndexedEncoder[];
  readonly items: readonly IndexedItem[];
  readonly features: FeatureBlock;
}

/**
 * Opens an index of images that `wherefore trace index` made, on disk or in a page; it is held whole.
 * @throws WhereforeError `file-not-found`, `invalid-data` where it is damaged or empty
 */
export async function openImageIndexIn(files: Files, folder: string): Promise<ImageIndex> {
  const { name, encoders, segments } = await readManifest(files, folder);
  const items: IndexedItem[] = [];
  const blocks: FeatureBlock[] = [];
  for (const entry of segments) {
    const removed = new Set(entry.removed);
    const path = within(folder, `${entry.folder}/features.safetensors`);
    const listed = await readItems(files, folder, entry);
    const kept = Uint32Array.from(listed.keys()).filter((number) => !removed.has(number));
    if (kept.length === 0) continue;
    const block = readBlock(await files.read(path, 'index'), entry.items, path);
    for (const number of kept) items.push(listed[number]);
    blocks.push(kept.length === entry.items ? block : takeItems(block, kept));
  }
  if (items.length === 0)
    throw new WhereforeError('invalid-data', 'the index holds no images', {
      where: folder,
      fix: 'add some: wherefore trace index images/ --out INDEX',
    });
  return { folder, name, encoders, items, features: joinBlocks(blocks) };
}

/** What an index says of itself. @throws WhereforeError `invalid-data` where it is damaged */
export async function readManifest(files: Files, folder: string): Promise<ImageManifest> {
  const path = within(folder, 'index.json');
  const parsed = checked(imageManifest, parsedJson(await textAt(files, path, 'index'), path));
  if (parsed.success) return parsed.data;
  throw damaged(path, parsed.error.issues[0].message);
}

/** The items of a segment, in the order of its features. @throws WhereforeError `invalid-data` where they are damaged */
export async function readItems(
  files: Files,
  folder: string,
  entry: ImageManifest['segments'][number],
): Promise<readonly IndexedItem[]> {
  if (entry.removed.length === entry.items) return [];
  const path = within(folder, `${entry.folder}/items.json`);
  const parsed = checked(segmentItems, parsedJson(await textAt(files, path, 'index'), path));
  if (parsed.success && parsed.data.length === entry.items) return parsed.data;
  throw damaged(path, `not the list of ${entry.items} items that the index names`);
}

export function parsedJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw damaged(path, 'not JSON');
  }
}

function damaged(path: string, got: string): WhereforeError {
  return new WhereforeError('invalid-data', 'the index is damaged', {
    where: path,
    got,
    fix: 'make it anew: remove its folder and run `wherefore trace index`',
  });
}
