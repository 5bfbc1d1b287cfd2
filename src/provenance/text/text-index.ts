import { join } from 'node:path';
import { removePath, writeAtomically } from '../../data/files/files.ts';
import { folderEntries, isFolder, isTaken } from '../../data/files/folders.ts';
import { nodeFiles } from '../../data/files/node-files.ts';
import type { Dataset } from '../../dataset/dataset.ts';
import { range } from '../../dataset/pieces.ts';
import { WhereforeError } from '../../errors.ts';
import { contentHash } from '../../tensor/content-hash.ts';
import type { IndexManifest, SegmentDocument, SegmentEntry } from './index-manifest.ts';
import { openTextIndexIn, readManifest, readSegment, readSegmentDocuments, type TextIndex } from './read-index.ts';
import { type CorpusDocument, segmentBytes } from './segment.ts';
import { writeSegment } from './segment-files.ts';

export type { TextIndex } from './read-index.ts';

export interface TextIndexOptions {
  /** Bytes of a segment, about; each takes some nine times as many of memory while it is made. Default 8 MiB. */
  readonly segmentSize?: number;
  readonly signal?: AbortSignal;
  /** Called with the documents read of all. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What a run over a corpus has changed in an index. */
export interface IndexChange {
  readonly added: number;
  /** Documents of an id that was there with another text. */
  readonly replaced: number;
  /** Documents that were there already. */
  readonly kept: number;
  /** Bytes of text whose order was made anew: of new documents, and of small segments that were joined. */
  readonly sortedBytes: number;
}

type Listed = CorpusDocument & SegmentDocument;

const defaultSegmentSize = 2 ** 23;
/** Documents read at once. */
const readAtOnce = 256;
/** As many segments of less than an eighth of the size are let be; more are joined. */
const mostSmall = 8;

/**
 * Adds the texts of a data set to an index, which is made where there is none. Documents that are there already, by id
 * and content, are not touched; the text of a known id replaces the old one. Each segment is written whole and the index
 * names it afterwards, so a run that was stopped goes on where it was.
 * @throws WhereforeError `file-unwritable`; `invalid-argument` where the data holds no texts
 */
export async function indexTexts(folder: string, data: Dataset, options: TextIndexOptions = {}): Promise<IndexChange> {
  const { segmentSize = defaultSegmentSize, signal, onProgress } = options;
  const manifest = isTaken(join(folder, 'index.json'))
    ? await readManifest(nodeFiles, folder)
    : await newManifest(folder);
  const known = await knownDocuments(folder, manifest);
  const change = { added: 0, replaced: 0, kept: 0, sortedBytes: 0 };
  let waiting: Listed[] = [];
  let size = 0;
  const flush = async () => {
    if (waiting.length === 0) return;
    const entry = await writeSegment(folder, waiting);
    change.sortedBytes += entry.bytes;
    for (const { id } of waiting) drop(known.get(id));
    manifest.segments.push(entry);
    for (const [number, { id, hash }] of waiting.entries()) known.set(id, { entry, number, hash });
    await writeManifest(folder, manifest);
    [waiting, size] = [[], 0];
  };
  for (let at = 0; at < data.length; at += readAtOnce) {
    signal?.throwIfAborted();
    const indices = range(at, Math.min(data.length, at + readAtOnce));
    const [texts, ids] = await Promise.all([textsOf(data, indices), data.ids(indices)]);
    for (const [i, text] of texts.entries()) {
      const document = { id: ids[i], place: data.describe(indices[i]), text, hash: contentHash([text]) };
      const before = known.get(document.id);
      if (before?.hash === document.hash) change.kept++;
      else {
        change[before ? 'replaced' : 'added']++;
        waiting.push(document);
        size += segmentBytes(document);
        if (size >= segmentSize) await flush();
      }
    }
    onProgress?.(at + indices.length, data.length);
  }
  await flush();
  change.sortedBytes += await joinSmall(folder, manifest, segmentSize);
  return change;
}

/**
 * Takes documents out of an index: they are found no more. Their texts go when their segment is joined with others.
 * @throws WhereforeError `unknown-name` for an id that is not there; nothing is removed then
 */
export async function removeTexts(folder: string, ids: readonly string[]): Promise<void> {
  const manifest = await readManifest(nodeFiles, folder);
  const known = await knownDocuments(folder, manifest);
  const missing = ids.find((id) => !known.has(id));
  if (missing !== undefined) {
    throw new WhereforeError('unknown-name', `the index has no document "${missing}"`, {
      where: folder,
      fix: 'name documents by their ids, as a trace lists them',
    });
  }
  for (const id of ids) drop(known.get(id));
  await writeManifest(folder, manifest);
}

/** Opens an index; its segments are read when they are searched, and kept as far as `memory` bytes go. */
export const openTextIndex = (folder: string, options?: { readonly memory?: number }): Promise<TextIndex> =>
  openTextIndexIn(nodeFiles, folder, options);

interface Known {
  readonly entry: SegmentEntry;
  readonly number: number;
  readonly hash: string;
}

const drop = (known: Known | undefined): void => {
  known?.entry.removed.push(known.number);
};

async function knownDocuments(folder: string, { segments }: IndexManifest): Promise<Map<string, Known>> {
  const known = new Map<string, Known>();
  for (const entry of segments) {
    const removed = new Set(entry.removed);
    for (const [number, { id, hash }] of (await readSegmentDocuments(nodeFiles, folder, entry)).entries())
      if (!removed.has(number)) known.set(id, { entry, number, hash });
  }
  return known;
}

/** Joins small segments where there are many, and those of which more than half was removed. Bytes sorted anew. */
async function joinSmall(folder: string, manifest: IndexManifest, size: number): Promise<number> {
  const small = manifest.segments.filter(({ bytes }) => bytes < size / 8);
  const thin = manifest.segments.filter(({ documents, removed }) => removed.length > documents / 2);
  const joined = new Set([...(small.length > mostSmall ? small : []), ...thin]);
  if (joined.size === 0) return 0;
  const decoder = new TextDecoder();
  const made: SegmentEntry[] = [];
  let waiting: Listed[] = [];
  let bytes = 0;
  const flush = async () => {
    if (waiting.length > 0) made.push(await writeSegment(folder, waiting));
    [waiting, bytes] = [[], 0];
  };
  for (const entry of joined) {
    const [{ bytes: text, starts }, listed] = [
      await readSegment(nodeFiles, folder, entry),
      await readSegmentDocuments(nodeFiles, folder, entry),
    ];
    const removed = new Set(entry.removed);
    for (const [i, document] of listed.entries()) {
      if (removed.has(i)) continue;
      waiting.push({ ...document, text: decoder.decode(text.subarray(starts[i], starts[i + 1] - 1)) });
      bytes += starts[i + 1] - starts[i];
      if (bytes >= size) await flush();
    }
  }
  await flush();
  manifest.segments = [...manifest.segments.filter((one) => !joined.has(one)), ...made];
  await writeManifest(folder, manifest);
  const used = new Set(manifest.segments.map((entry) => entry.folder));
  for (const entry of joined) if (!used.has(entry.folder)) await removePath(join(folder, entry.folder));
  return made.reduce((sum, entry) => sum + entry.bytes, 0);
}

async function textsOf(data: Dataset, indices: Uint32Array): Promise<readonly string[]> {
  const { inputs } = await data.read(indices);
  const [text, ...more] = Object.values(inputs);
  if (text?.type === 'string' && text.shape.length === 1 && more.length === 0) return text.data as readonly string[];
  throw new WhereforeError('invalid-argument', 'the data holds no texts', {
    where: data.name,
    got: `inputs ${Object.entries(inputs)
      .map(([name, { type }]) => `${name} (${type})`)
      .join(', ')}`,
    fix: 'name the column of a table that holds them with --text, or give a folder or a file of texts',
  });
}

async function newManifest(folder: string): Promise<IndexManifest> {
  if (await isFolder(folder)) {
    const [other] = await folderEntries(folder);
    if (other) {
      throw new WhereforeError('file-unwritable', 'the folder is no index and is not empty', {
        where: folder,
        got: other.name,
        fix: 'name a new folder',
      });
    }
  }
  return { format: 'wherefore/text-index', version: 1, segments: [] };
}

async function writeManifest(folder: string, manifest: IndexManifest): Promise<void> {
  await writeAtomically(join(folder, 'index.json'), `${JSON.stringify(manifest)}\n`);
}
