import { join } from 'node:path';
import { writeFolderAtomically } from '../../data/files/files.ts';
import { isTaken } from '../../data/files/folders.ts';
import { contentHash } from '../../tensor/content-hash.ts';
import type { SegmentDocument, SegmentEntry } from './index-manifest.ts';
import { type CorpusDocument, makeSegment } from './segment.ts';

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
