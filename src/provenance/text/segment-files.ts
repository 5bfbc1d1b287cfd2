import { join } from 'node:path';
import { writeFolderAtomically } from '../../data/files/files.ts';
import { isTaken } from '../../data/files/folders.ts';
import { readBytes, readText } from '../../data/files/read-file.ts';
import { WhereforeError } from '../../errors.ts';
import { contentHash } from '../../tensor/content-hash.ts';
import { type SegmentDocument, type SegmentEntry, segmentDocuments } from './index-manifest.ts';
import { type CorpusDocument, documentEnd, makeSegment, type Segment } from './segment.ts';

/**
 * Makes a segment of some documents and writes it below the folder of an index, under a name made of their hash: where it
 * stands there already, an earlier run has made it.
 */
export async function writeSegment(
  index: string,
  documents: readonly (CorpusDocument & SegmentDocument)[],
): Promise<SegmentEntry> {
  const listed = documents.map(({ id, hash, place }) => ({ id, hash, place }));
  const folder = contentHash([JSON.stringify(listed)]).slice(0, 16);
  const segment = makeSegment(documents);
  let words = 0;
  for (const count of segment.words.values()) words += count;
  if (!isTaken(join(index, folder))) {
    await writeFolderAtomically(join(index, folder), async (write) => {
      await write('text.bin', segment.bytes);
      const { buffer, byteOffset, byteLength } = segment.suffixes;
      await write('suffixes.bin', new Uint8Array(buffer, byteOffset, byteLength));
      await write('documents.json', JSON.stringify(listed));
      await write('words.json', JSON.stringify([...segment.words]));
    });
  }
  return { folder, bytes: segment.bytes.length, words, documents: documents.length, removed: [] };
}

/** The documents of a segment, without their texts. */
export async function readSegmentDocuments(
  index: string,
  { folder, documents }: SegmentEntry,
): Promise<SegmentDocument[]> {
  const path = join(index, folder, 'documents.json');
  const parsed = segmentDocuments.safeParse(parsedJson(await readText(path, 'index'), path));
  if (parsed.success && parsed.data.length === documents) return parsed.data;
  throw damaged(path, `not the list of ${documents} documents that the index names`);
}

/** @throws WhereforeError `invalid-data` where files are cut or of another segment */
export async function readSegment(index: string, entry: SegmentEntry): Promise<Segment> {
  const at = (name: string) => join(index, entry.folder, name);
  const [bytes, order, listed, words] = await Promise.all([
    readBytes(at('text.bin'), 'index'),
    readBytes(at('suffixes.bin'), 'index'),
    readSegmentDocuments(index, entry),
    readText(at('words.json'), 'index'),
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
