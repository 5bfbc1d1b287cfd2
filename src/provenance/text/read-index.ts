import { checked } from '../../checked.ts';
import type { Files } from '../../data/files/file-access.ts';
import { textAt } from '../../data/files/file-text.ts';
import { WhereforeError } from '../../errors.ts';
import { within } from '../../paths.ts';
import { heldWithin } from './held.ts';
import {
  type IndexManifest,
  indexManifest,
  type SegmentDocument,
  type SegmentEntry,
  segmentDocuments,
} from './index-manifest.ts';
import { documentEnd, type Segment } from './segment.ts';
import type { SearchedCorpus } from './verbatim.ts';

/** An index of texts, opened for searching. */
export interface TextIndex extends SearchedCorpus {
  readonly documents: number;
  readonly bytes: number;
  readonly words: number;
  /** Folders of its segments, in their order. */
  readonly segmentFolders: readonly string[];
}

/**
 * Opens an index that `indexTexts` made, on disk or in a page; its segments are read when they are searched, and kept as
 * far as `memory` bytes go.
 * @throws WhereforeError `file-not-found`; `invalid-data` where it is damaged
 */
export async function openTextIndexIn(
  files: Files,
  folder: string,
  { memory = 2 ** 30 }: { readonly memory?: number } = {},
): Promise<TextIndex> {
  const { segments } = await readManifest(files, folder);
  const total = (what: 'bytes' | 'words') => segments.reduce((sum, entry) => sum + entry[what], 0);
  return {
    segmentCount: segments.length,
    segmentFolders: segments.map((entry) => entry.folder),
    documents: segments.reduce((sum, { documents, removed }) => sum + documents - removed.length, 0),
    bytes: total('bytes'),
    words: total('words'),
    isRemoved: (segment, document) => segments[segment].removed.includes(document),
    segment: heldWithin(
      memory,
      (index) => 5 * segments[index].bytes,
      (index) => readSegment(files, folder, segments[index]),
    ),
  };
}

/** What an index says of itself. @throws WhereforeError `invalid-data` where it is damaged */
export async function readManifest(files: Files, folder: string): Promise<IndexManifest> {
  const path = within(folder, 'index.json');
  const text = await textAt(files, path, 'index');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw damaged(path, 'not JSON');
  }
  const parsed = checked(indexManifest, value);
  if (!parsed.success) throw damaged(path, parsed.error.issues[0].message);
  return parsed.data;
}

/** The documents of a segment, without their texts. */
export async function readSegmentDocuments(
  files: Files,
  index: string,
  { folder, documents }: SegmentEntry,
): Promise<SegmentDocument[]> {
  const path = within(within(index, folder), 'documents.json');
  const parsed = checked(segmentDocuments, parsedJson(await textAt(files, path, 'index'), path));
  if (parsed.success && parsed.data.length === documents) return parsed.data;
  throw damaged(path, `not the list of ${documents} documents that the index names`);
}

/** @throws WhereforeError `invalid-data` where files are cut or of another segment */
export async function readSegment(files: Files, index: string, entry: SegmentEntry): Promise<Segment> {
  const at = (name: string) => within(within(index, entry.folder), name);
  const [bytes, order, listed, words] = await Promise.all([
    files.read(at('text.bin'), 'index'),
    files.read(at('suffixes.bin'), 'index'),
    readSegmentDocuments(files, index, entry),
    textAt(files, at('words.json'), 'index'),
  ]);
  if (bytes.length !== entry.bytes || bytes.at(-1) !== documentEnd) throw damaged(at('text.bin'), 'cut');
  if (order.length !== 4 * bytes.length) throw damaged(at('suffixes.bin'), `not 4 bytes for each of ${bytes.length}`);
  const starts = new Uint32Array(listed.length + 1);
  let document = 0;
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === documentEnd && document < listed.length) starts[++document] = i + 1;
  }
  if (starts[listed.length] !== bytes.length) throw damaged(at('text.bin'), `not ${listed.length} documents`);
  const suffixes = new Int32Array(order.buffer, order.byteOffset, bytes.length);
  checkOrder(bytes, suffixes, at('suffixes.bin'));
  return {
    bytes,
    suffixes,
    documents: listed,
    starts,
    words: new Map(parsedJson(words, at('words.json')) as [string, number][]),
  };
}

/** Looks at some neighbours in the order of suffixes: a file of another segment, or a damaged one, does not pass. */
function checkOrder(bytes: Uint8Array, suffixes: Int32Array, where: string): void {
  const step = Math.max(1, Math.floor(suffixes.length / 64));
  for (let k = step; k < suffixes.length; k += step) {
    let [a, b] = [suffixes[k - 1], suffixes[k]];
    if (!(a >= 0 && a < bytes.length && b >= 0 && b < bytes.length)) throw damaged(where, 'a suffix outside the text');
    while (a < bytes.length && b < bytes.length && bytes[a] === bytes[b]) [a, b] = [a + 1, b + 1];
    if (b === bytes.length || bytes[a] > bytes[b]) throw damaged(where, 'not in order');
  }
}

function parsedJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw damaged(path, 'not JSON');
  }
}

export function damaged(path: string, got: string): WhereforeError {
  return new WhereforeError('invalid-data', 'the index is damaged', {
    where: path,
    got,
    fix: 'make it anew: remove its folder and run `wherefore trace index`',
  });
}
