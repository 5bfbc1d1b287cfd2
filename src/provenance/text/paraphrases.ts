import { dotsAtOnce, integerDots } from './integer-dots.ts';
import { type Candidate, nearestCandidates } from './nearest-candidates.ts';
import { mostOff, type RoundedQuery, roundedQuery } from './rounded-vectors.ts';
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
  /** The vectors of some sentences of a segment as they are, one after the other. */
  rows(segment: number, sentences: readonly number[]): Promise<Float32Array>;
}

export interface ParaphraseOptions {
  /** Sentences of the corpus that are listed for each of the passage. Default 5. */
  readonly most?: number;
  /** Support from which a sentence is listed. Default .99: of a hundred pairs of sentences, one is as near. */
  readonly support?: number;
  readonly signal?: AbortSignal;
}

/** Pairs of sentences whose cosines say how near sentences are that have nothing to do with each other. */
const pairs = 5000;

/**
 * The sentences of a corpus nearest to those of a passage by the cosine of their vectors: every vector is compared as it
 * is rounded to bytes, and those that may be among the nearest once more as they are, so that none is missed. What is listed is nearer than most pairs of sentences of the corpus; whether it says the same is
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
  const queries = sentences.map((_, q) => roundedQuery(vectors.subarray(q * width, (q + 1) * width)));
  const nearest = sentences.map(() => nearestCandidates(most));
  const dots = integerDots(width);
  const background: number[] = [];
  for (let s = 0; s < corpus.segmentCount; s++) {
    signal?.throwIfAborted();
    const held = await corpus.vectors(s);
    const segment = await corpus.segment(s);
    const isThere = (i: number) => !corpus.isRemoved(s, documentAt(segment, held.places[2 * i]));
    for (let first = 0; first < held.count; first += dotsAtOnce) {
      const count = Math.min(dotsAtOnce, held.count - first);
      dots.load(held.codes, first, count);
      // A sentence of which the encoder knows no word is near to nothing.
      for (const [q, query] of queries.entries())
        if (query.length > 0)
          addNear(nearest[q], { query, held, segment: s, first, isThere }, dots.products(query.codes));
    }
    // As many of each segment: that needs no look at all of them first, which may not fit into memory together.
    for (const cosine of held.pairs.subarray(0, Math.ceil(pairs / corpus.segmentCount))) background.push(cosine);
  }
  const sorted = Float64Array.from(background).sort();
  const found: TracedSentence[] = [];
  for (const [q, sentence] of sentences.entries()) {
    const sources: ParaphraseSource[] = [];
    const own = vectors.subarray(q * width, (q + 1) * width);
    for (const near of await nearestOf(corpus, nearest[q].candidates(), own, most)) {
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

interface ComparedVectors {
  readonly query: RoundedQuery;
  readonly held: SentenceVectors;
  readonly segment: number;
  /** The sentence of the first product. */
  readonly first: number;
  readonly isThere: (sentence: number) => boolean;
}

/** Keeps the sentences that may be among the nearest, by products with whole numbers. */
function addNear(
  to: ReturnType<typeof nearestCandidates>,
  { query, held, segment, first, isThere }: ComparedVectors,
  products: Int32Array,
): void {
  for (let i = first; i < first + products.length; i++) {
    const cosine = products[i - first] * query.scale * held.scales[i];
    const off = mostOff(query, held, i);
    if (cosine + off >= to.limit() && isThere(i)) to.add({ segment, number: i, most: cosine + off }, cosine - off);
  }
}

/** The nearest of some candidates by their vectors as they are, which are read for it; equal ones in the order of the corpus. */
async function nearestOf(
  corpus: EmbeddedCorpus,
  candidates: readonly Candidate[],
  query: Float32Array,
  most: number,
): Promise<Near[]> {
  const found: Near[] = [];
  for (const segment of new Set(candidates.map((one) => one.segment))) {
    const own = candidates.filter((one) => one.segment === segment).map(({ number }) => number);
    const rows = await corpus.rows(segment, own);
    for (const [i, sentence] of own.entries()) {
      let cosine = 0;
      for (let k = 0; k < query.length; k++) cosine += query[k] * rows[i * query.length + k];
      found.push({ segment, sentence, cosine });
    }
  }
  found.sort((a, b) => b.cosine - a.cosine || a.segment - b.segment || a.sentence - b.sentence);
  return found.slice(0, most);
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
