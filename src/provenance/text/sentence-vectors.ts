import { join } from 'node:path';
import * as z from 'zod';
import { writeAtomically } from '../../data/files/files.ts';
import { isTaken } from '../../data/files/folders.ts';
import { readBytes, readTextIfPresent } from '../../data/files/read-file.ts';
import { readSafetensors, writeSafetensors } from '../../data/formats/safetensors.ts';
import { float32, type Tensor, tensor } from '../../tensor/tensor.ts';
import type { Segment } from './segment.ts';
import { damaged } from './segment-files.ts';
import { sentencesOf } from './sentences.ts';

/** `encoder.json` of an index of texts: whose vectors it holds. */
export const sentenceEncoderEntry = z.strictObject({
  /** Name of its file. */
  name: z.string(),
  /** SHA-256 of the model. */
  model: z.string().regex(/^[0-9a-f]{64}$/),
  /** The value of its graph that is taken. */
  layer: z.string(),
  width: z.int().min(2),
});

export type IndexedSentenceEncoder = z.infer<typeof sentenceEncoderEntry>;

/** The sentences of a segment and their vectors. */
export interface SentenceVectors {
  readonly count: number;
  /** count × width, each of length 1. */
  readonly vectors: Float32Array;
  /** Of each sentence its first byte in the segment and the byte behind its last. */
  readonly places: Uint32Array;
}

const encoderPath = (index: string) => join(index, 'encoder.json');
const vectorsPath = (index: string, segment: string) => join(index, segment, 'sentences.safetensors');

/** The encoder of an index; undefined where it has none. @throws WhereforeError `invalid-data` */
export async function readSentenceEncoder(index: string): Promise<IndexedSentenceEncoder | undefined> {
  const text = await readTextIfPresent(encoderPath(index), 'index');
  if (text === undefined) return undefined;
  try {
    return sentenceEncoderEntry.parse(JSON.parse(text));
  } catch {
    throw damaged(encoderPath(index), 'not the description of an encoder');
  }
}

export async function writeSentenceEncoder(index: string, entry: IndexedSentenceEncoder): Promise<void> {
  await writeAtomically(encoderPath(index), `${JSON.stringify(entry)}\n`);
}

/** Whether the vectors of a segment were made already. */
export const hasVectors = (index: string, segment: string): boolean => isTaken(vectorsPath(index, segment));

/** The sentences of a segment, with where they lie among its bytes. */
export function sentencesOfSegment({ bytes, starts, documents }: Segment) {
  const [decoder, encoder] = [new TextDecoder(), new TextEncoder()];
  const texts: string[] = [];
  const places: number[] = [];
  for (const d of documents.keys()) {
    const text = decoder.decode(bytes.subarray(starts[d], starts[d + 1] - 1));
    // Sentences come in order, so that the bytes before each are counted on from the last one.
    let [unit, byte] = [0, starts[d]];
    for (const { text: sentence, start, end } of sentencesOf(text)) {
      byte += encoder.encode(text.slice(unit, start)).length;
      const length = encoder.encode(sentence).length;
      texts.push(sentence);
      places.push(byte, byte + length);
      [unit, byte] = [end, byte + length];
    }
  }
  return { texts, places: Uint32Array.from(places) };
}

export async function writeVectors(
  index: string,
  segment: string,
  { vectors, places }: SentenceVectors,
): Promise<void> {
  const values = new Map<string, Tensor>([
    ['vectors', float32([vectors.length], vectors)],
    ['places', tensor('uint32', [places.length], places as Uint32Array<ArrayBuffer>)],
  ]);
  await writeAtomically(vectorsPath(index, segment), writeSafetensors(values));
}

/** @throws WhereforeError `file-not-found`, `invalid-data` for a file of another encoder or segment */
export async function readVectors(index: string, segment: string, width: number): Promise<SentenceVectors> {
  const path = vectorsPath(index, segment);
  const { tensors } = readSafetensors(await readBytes(path, 'index'), path);
  const [vectors, places] = [tensors.get('vectors'), tensors.get('places')];
  if (vectors?.type !== 'float32' || places?.type !== 'uint32') throw damaged(path, 'not vectors and places');
  const count = places.data.length / 2;
  if (vectors.data.length !== count * width)
    throw damaged(path, `${vectors.data.length} numbers for ${count} sentences, not ${width} each`);
  return { count, vectors: vectors.data as Float32Array, places: places.data as Uint32Array };
}
