import { random } from '../../tensor/random.ts';
import type { Segment } from './segment.ts';
import { documentAt } from './segment.ts';
import type { SentenceVectors } from './sentence-vectors.ts';
import type { Sentence } from './sentences.ts';
import type { SearchedCorpus } from './verbatim.ts';

/** A sentence of the corpus that means about the same as one of a passage. */
export interface ParaphraseSource {
  readonly document: string;
  readonly place: string;
  readonly text: string;
  /** Cosine of the two vectors. */
  readonly cosine: number;
  /** Share of pairs of sentences of the corpus that are less alike. */
  readonly support: number;
}

/** A sentence of a passage, and the sentences of the corpus nearest to it. */
export interface TracedSentence extends Sentence {
  readonly sources: readonly ParaphraseSource[];
}

/** A corpus with the vectors of its sentences, a segment at a time. */
export interface EmbeddedCorpus extends SearchedCorpus {
  vectors(segment: number): Promise<SentenceVectors>;
}

export interface ParaphraseOptions {
  /** Sentences of the corpus that are listed for each of the passage. Default 5. */
  readonly most?: number;
  /** Support from which a sentence is listed. Default .99: of a hundred pairs of sentences, one is as near. */
  readonly support?: number;
  readonly signal?: AbortSignal;
}

/** Pairs of sentences whose cosines say how near sentences are that have nothing to do with each other. */
const pairs = 20_000;

/**
 * The sentences of a corpus nearest to those of a passage by the cosine of their vectors: every vector is compared, so
 * none is missed. What is listed is nearer than most pairs of sentences of the corpus; whether it says the same is
 * for a reader to judge.
 * @param vectors of the sentences of the passage, of length 1, one after the other
 */
export async function nearestSentences(
  corpus: EmbeddedCorpus,
  sentences: readonly Sentence[],
  vectors: Float32Array,
  { most = 5, support: least = 0.99, signal }: ParaphraseOptions = {},
): Promise<TracedSentence[]> {
  if (sentences.length === 0) return [];
  const width = vectors.length / sentences.length;
  const nearest = sentences.map((): Near[] => []);
  const background: number[] = [];
  for (let s = 0; s < corpus.segmentCount; s++) {
    signal?.throwIfAborted();
    const held = await corpus.vectors(s);
    const segment = await corpus.segment(s);
    const isThere = (i: number) => !corpus.isRemoved(s, documentAt(segment, held.places[2 * i]));
    for (let i = 0; i < held.count; i++)
      for (let q = 0; q < sentences.length; q++) {
        const cosine = dot(vectors, q, held.vectors, i, width);
        if (isAmong(nearest[q], cosine, most) && isThere(i))
          insert(nearest[q], { segment: s, sentence: i, cosine }, most);
      }
    // As many of each segment: that needs no look at all of them first, which may not fit into memory together.
    addPairs(background, held, width, Math.ceil(pairs / corpus.segmentCount), s);
  }
  const sorted = Float64Array.from(background).sort();
  const found: TracedSentence[] = [];
  for (const [q, sentence] of sentences.entries()) {
    const sources: ParaphraseSource[] = [];
    for (const near of nearest[q]) {
      const support = shareBelow(sorted, near.cosine);
      if (support >= least) sources.push({ ...(await sourceOf(corpus, near)), cosine: near.cosine, support });
    }
    found.push({ ...sentence, sources });
  }
  return found;
}

interface Near {
  readonly segment: number;
  readonly sentence: number;
  readonly cosine: number;
}

/** Whether a sentence gets into a list of the nearest. */
const isAmong = (list: readonly Near[], cosine: number, most: number) =>
  list.length < most || cosine > list[most - 1].cosine;

function insert(list: Near[], near: Near, most: number): void {
  let at = list.length;
  while (at > 0 && list[at - 1].cosine < near.cosine) at--;
  list.splice(at, 0, near);
  if (list.length > most) list.pop();
}

/** Four sums side by side, as each addition would else wait for the one before. */
function dot(a: Float32Array, i: number, b: Float32Array, j: number, width: number): number {
  const [p, q] = [i * width, j * width];
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let k = 0;
  for (; k + 3 < width; k += 4) {
    s0 += a[p + k] * b[q + k];
    s1 += a[p + k + 1] * b[q + k + 1];
    s2 += a[p + k + 2] * b[q + k + 2];
    s3 += a[p + k + 3] * b[q + k + 3];
  }
  for (; k < width; k++) s0 += a[p + k] * b[q + k];
  return s0 + s1 + (s2 + s3);
}

function addPairs(
  to: number[],
  { count, vectors }: SentenceVectors,
  width: number,
  wanted: number,
  seed: number,
): void {
  if (count < 2) return;
  const source = random(seed, 51);
  for (let k = 0; k < wanted; k++) {
    const [a, b] = [source.integer(count), source.integer(count)];
    if (a !== b) to.push(dot(vectors, a, vectors, b, width));
  }
}

/** Half a pair is added on the far side: of so many pairs none can be said to be beyond all. */
function shareBelow(sorted: Float64Array, value: number): number {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (sorted[middle] < value) from = middle + 1;
    else to = middle;
  }
  return Math.max(0, from - 0.5) / Math.max(1, sorted.length);
}

async function sourceOf(corpus: EmbeddedCorpus, { segment: s, sentence }: Near) {
  const [segment, { places }]: [Segment, SentenceVectors] = [await corpus.segment(s), await corpus.vectors(s)];
  const [start, end] = [places[2 * sentence], places[2 * sentence + 1]];
  const { id, place } = segment.documents[documentAt(segment, start)];
  return { document: id, place, text: new TextDecoder().decode(segment.bytes.subarray(start, end)) };
}
