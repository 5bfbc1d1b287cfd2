import { WhereforeError } from '../../errors.ts';
import { heldWithin } from './held.ts';
import type { EmbeddedCorpus } from './paraphrases.ts';
import type { SentenceEncoder } from './sentence-encoder.ts';
import {
  hasVectors,
  type IndexedSentenceEncoder,
  readRows,
  readSentenceEncoder,
  readVectors,
  sentencesOfSegment,
  writeSentenceEncoder,
  writeVectors,
} from './sentence-vectors.ts';
import { openTextIndex, type TextIndex } from './text-index.ts';

/** What a run has added to the vectors of an index. */
export interface EmbeddedChange {
  /** Sentences whose vectors were made. */
  readonly made: number;
  /** Sentences of the segments whose vectors were there already. */
  readonly kept: number;
}

/**
 * Makes the vectors of all sentences of an index of texts that have none yet, a segment at a time: a run that was stopped
 * goes on behind the last whole segment.
 * @throws WhereforeError `invalid-argument` where the index holds vectors of another encoder
 */
export async function embedTexts(
  folder: string,
  encoder: SentenceEncoder,
  {
    signal,
    onProgress,
  }: { readonly signal?: AbortSignal; readonly onProgress?: (done: number, total: number) => void } = {},
): Promise<EmbeddedChange> {
  const before = await readSentenceEncoder(folder);
  if (before && JSON.stringify(before) !== JSON.stringify(encoder.entry))
    throw otherEncoder(folder, before, encoder.entry);
  await writeSentenceEncoder(folder, encoder.entry);
  const index = await openTextIndex(folder);
  const change = { made: 0, kept: 0 };
  for (const [s, name] of index.segmentFolders.entries()) {
    if (hasVectors(folder, name)) {
      change.kept += (await readVectors(folder, name, encoder.entry.width)).count;
      continue;
    }
    const { texts, places } = sentencesOfSegment(await index.segment(s));
    const vectors = new Float32Array(texts.length * encoder.entry.width);
    for (let at = 0; at < texts.length; at += embeddedAtOnce) {
      signal?.throwIfAborted();
      const some = texts.slice(at, at + embeddedAtOnce);
      vectors.set(await encoder.embed(some, signal), at * encoder.entry.width);
      onProgress?.(s + (at + some.length) / texts.length, index.segmentCount);
    }
    await writeVectors(folder, name, { vectors, places, width: encoder.entry.width });
    change.made += texts.length;
  }
  return change;
}

const embeddedAtOnce = 256;

/** An index of texts that holds vectors of its sentences. */
export interface EmbeddedIndex extends TextIndex, EmbeddedCorpus {
  readonly encoder: IndexedSentenceEncoder;
}

/**
 * Opens an index with its vectors, which are read when they are searched; undefined where it has none.
 * @throws WhereforeError `invalid-data` where texts were added without their vectors
 */
export async function openEmbeddedIndex(
  folder: string,
  { memory = 2 ** 30 }: { readonly memory?: number } = {},
): Promise<EmbeddedIndex | undefined> {
  const encoder = await readSentenceEncoder(folder);
  if (!encoder) return undefined;
  const index = await openTextIndex(folder, { memory });
  const missing = index.segmentFolders.find((name) => !hasVectors(folder, name));
  if (missing !== undefined)
    throw new WhereforeError('invalid-data', 'texts were added to the index without vectors of their sentences', {
      where: `${folder}, ${missing}`,
      fix: `index again with --encoder ${encoder.name}`,
    });
  return {
    ...index,
    encoder,
    vectors: heldWithin(
      memory,
      (_, { codes, scales, errors, places }) =>
        codes.byteLength + scales.byteLength + errors.byteLength + places.byteLength,
      (s) => readVectors(folder, index.segmentFolders[s], encoder.width),
    ),
    rows: (s, sentences) => readRows(folder, index.segmentFolders[s], encoder.width, sentences),
  };
}

function otherEncoder(folder: string, before: IndexedSentenceEncoder, asked: IndexedSentenceEncoder): WhereforeError {
  const told = ({ name, layer, model }: IndexedSentenceEncoder) => `${name} at ${layer} (${model.slice(0, 8)})`;
  return new WhereforeError('invalid-argument', 'the index was made with another encoder', {
    where: folder,
    got: told(asked),
    expected: told(before),
    fix: 'give the same encoder, or make a new index',
  });
}
