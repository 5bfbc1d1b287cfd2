import { join } from 'node:path';
import * as z from 'zod/mini';
import { writeAtomically } from '../../data/files/files.ts';
import { isTaken } from '../../data/files/folders.ts';
import { withFile } from '../../data/files/open-file.ts';
import { readBytes, readTextIfPresent } from '../../data/files/read-file.ts';
import {
  readSafetensors,
  safetensorsHeaderEnd,
  safetensorsLayout,
  writeSafetensors,
} from '../../data/formats/safetensors.ts';
import { random } from '../../tensor/random.ts';
import { float32, type Tensor, tensor } from '../../tensor/tensor.ts';
import { damaged } from './read-index.ts';
import { type RoundedVectors, roundedVectors } from './rounded-vectors.ts';
import type { Segment } from './segment.ts';
import { sentencesOf } from './sentences.ts';

/** `encoder.json` of an index of texts: whose vectors it holds. */
export const sentenceEncoderEntry = z.strictObject({
  /** Name of its file. */
  name: z.string(),
  /** SHA-256 of the model. */
  model: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  /** The value of its graph that is taken. */
  layer: z.string(),
  width: z.int().check(z.minimum(2)),
});

export type IndexedSentenceEncoder = z.infer<typeof sentenceEncoderEntry>;

/** The sentences of a segment and their vectors, each of length 1, rounded to bytes. */
export interface SentenceVectors extends RoundedVectors {
  /** Cosines of pairs of them that were drawn by chance: what sentences have in common that have nothing to do with each other. */
  readonly pairs: Float32Array;
  /** Of each sentence its first byte in the segment and the byte behind its last. */
  readonly places: Uint32Array;
}

const encoderPath = (index: string) => join(index, 'encoder.json');
/** Vectors as they are, of which few are read. */
const vectorsPath = (index: string, segment: string) => join(index, segment, 'sentences.safetensors');
/** Vectors rounded to bytes, all of which are compared. */
const roundedPath = (index: string, segment: string) => join(index, segment, 'rounded.safetensors');

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
export const hasVectors = (index: string, segment: string): boolean =>
  isTaken(vectorsPath(index, segment)) && isTaken(roundedPath(index, segment));

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

/** Pairs of a segment that are drawn. */
const mostPairs = 2000;

/** Cosines of pairs of vectors of length 1 that are drawn by chance. */
export function pairCosines(vectors: Float32Array, width: number): Float32Array {
  const count = vectors.length / width;
  const source = random(0, 51);
  const found: number[] = [];
  for (let k = 0; k < mostPairs && count > 1; k++) {
    const [a, b] = [source.integer(count), source.integer(count)];
    if (a === b) continue;
    let sum = 0;
    for (let j = 0; j < width; j++) sum += vectors[a * width + j] * vectors[b * width + j];
    found.push(sum);
  }
  return Float32Array.from(found);
}

/** @param vectors sentences × width, each of length 1 */
export async function writeVectors(
  index: string,
  segment: string,
  { vectors, places, width }: { readonly vectors: Float32Array; readonly places: Uint32Array; readonly width: number },
): Promise<void> {
  const { codes, scales, errors } = roundedVectors(vectors, width);
  const pairs = pairCosines(vectors, width);
  const rounded = new Map<string, Tensor>([
    ['codes', tensor('int8', [codes.length], codes as Int8Array<ArrayBuffer>)],
    ['scales', float32([scales.length], scales)],
    ['errors', float32([errors.length], errors)],
    ['pairs', float32([pairs.length], pairs)],
    ['places', tensor('uint32', [places.length], places as Uint32Array<ArrayBuffer>)],
  ]);
  const whole = new Map<string, Tensor>([['vectors', float32([vectors.length], vectors)]]);
  await writeAtomically(vectorsPath(index, segment), writeSafetensors(whole));
  await writeAtomically(roundedPath(index, segment), writeSafetensors(rounded));
}

/** @throws WhereforeError `file-not-found`, `invalid-data` for a file of another encoder or segment */
export async function readVectors(index: string, segment: string, width: number): Promise<SentenceVectors> {
  const path = roundedPath(index, segment);
  const { tensors } = readSafetensors(await readBytes(path, 'index'), path);
  const [codes, places] = [tensors.get('codes'), tensors.get('places')];
  const [scales, errors, pairs] = ['scales', 'errors', 'pairs'].map((name) => tensors.get(name));
  if (codes?.type !== 'int8' || places?.type !== 'uint32' || scales?.type !== 'float32' || errors?.type !== 'float32')
    throw damaged(path, 'not rounded vectors and places');
  if (pairs?.type !== 'float32') throw damaged(path, 'no cosines of pairs');
  const count = places.data.length / 2;
  if (codes.data.length !== count * width || scales.data.length !== count || errors.data.length !== count)
    throw damaged(path, `${codes.data.length} numbers for ${count} sentences, not ${width} each`);
  return {
    count,
    codes: codes.data as Int8Array,
    scales: scales.data as Float32Array,
    errors: errors.data as Float32Array,
    pairs: pairs.data as Float32Array,
    places: places.data as Uint32Array,
  };
}

/** The vectors of some sentences as they are, one after the other; only these are read. */
export function readRows(
  index: string,
  segment: string,
  width: number,
  sentences: readonly number[],
): Promise<Float32Array> {
  const path = vectorsPath(index, segment);
  return withFile(path, 'index', {}, async (file) => {
    const end = safetensorsHeaderEnd(await file.range(0, 8), path, file.size);
    const { entries } = safetensorsLayout(await file.range(0, end), path, file.size);
    const found = entries.find(({ name, type }) => name === 'vectors' && type === 'float32');
    if (!found) throw damaged(path, 'no vectors');
    const rows = new Float32Array(sentences.length * width);
    for (const [i, sentence] of sentences.entries()) {
      const from = found.begin + 4 * width * sentence;
      const bytes = await file.range(from, from + 4 * width);
      if (from + 4 * width > found.end || bytes.length < 4 * width) throw damaged(path, `no sentence ${sentence}`);
      rows.set(new Float32Array(bytes.slice().buffer), i * width);
    }
    return rows;
  });
}
