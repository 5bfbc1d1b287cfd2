import { documentAt, longestMatch, occurrences, type Segment } from './segment.ts';
import { wordsOf } from './words.ts';

/** Segments of a corpus, one at a time, and which of their documents were removed. */
export interface SearchedCorpus {
  readonly segmentCount: number;
  segment(index: number): Promise<Segment>;
  isRemoved(segment: number, document: number): boolean;
}

/** Where a span stands in the corpus. */
export interface SpanSource {
  /** The id of the document, and where it comes from. */
  readonly document: string;
  readonly place: string;
  /** Bytes of the document before the span. */
  readonly offset: number;
  /** The letters before and behind it, as far as they are shown. */
  readonly before: string;
  readonly after: string;
}

/** A part of a passage that stands in the corpus to the letter. */
export interface VerbatimSpan {
  readonly text: string;
  /** The words of the passage that it takes: from the first on, up to the one before the second. */
  readonly words: readonly [number, number];
  /** Its place in the passage, in UTF-16 units as JavaScript counts them. */
  readonly start: number;
  readonly end: number;
  /** How often it stands in the corpus. */
  readonly count: number;
  /**
   * `log10` of how often so long a run of its words would be expected in a corpus of this size if words followed one
   * another by chance: `log10(N · Π_w n_w / N)`, N words in the corpus of which n_w are w. Words do not, so this ranks
   * spans and is no probability.
   */
  readonly logExpected: number;
  /** Some of its sources, in the order of the corpus. */
  readonly sources: readonly SpanSource[];
}

export interface VerbatimOptions {
  /** Words that a span has at least. Default 5. */
  readonly minWords?: number;
  /** Spans that chance would put into the corpus more often than `10^this` are left out. Default −2. */
  readonly maxLogExpected?: number;
  /** Sources that are listed for a span. Default 5. */
  readonly sourcesPerSpan?: number;
  readonly signal?: AbortSignal;
}

/** Letters shown around a span. */
const shownAround = 60;

/**
 * The longest spans of a passage that stand in a corpus to the letter: none lies within another one. They begin and end
 * with a word, and come in the order of how improbable they are.
 *
 * For each word of the passage the longest match from there on is looked up in the order of all suffixes of the corpus,
 * in `O(m + log n)` for a match of m bytes among n.
 */
export async function verbatimSpans(
  corpus: SearchedCorpus,
  passage: string,
  { minWords = 5, maxLogExpected = -2, sourcesPerSpan = 5, signal }: VerbatimOptions = {},
): Promise<VerbatimSpan[]> {
  const bytes = new TextEncoder().encode(passage);
  const words = wordsOf(passage);
  const longest = new Uint32Array(words.length);
  const frequencies = new Map<string, number>();
  let total = 0;
  for (let s = 0; s < corpus.segmentCount; s++) {
    signal?.throwIfAborted();
    const segment = await corpus.segment(s);
    for (const [i, { start }] of words.entries())
      longest[i] = Math.max(longest[i], longestMatch(segment, bytes, start));
    for (const count of segment.words.values()) total += count;
    for (const word of new Set(words.map(({ text }) => text)))
      frequencies.set(word, (frequencies.get(word) ?? 0) + (segment.words.get(word) ?? 0));
  }

  const found: { from: number; to: number; logExpected: number }[] = [];
  let reached = 0;
  for (let from = 0; from < words.length; from++) {
    let to = from;
    while (to < words.length && words[to].end <= words[from].start + longest[from]) to++;
    // What ends where an earlier span ends lies within it.
    if (to <= reached) continue;
    reached = to;
    if (to - from < minWords) continue;
    const logExpected = words
      .slice(from, to)
      .reduce((sum, { text }) => sum + Math.log10((frequencies.get(text) ?? 0) / total), Math.log10(total));
    if (logExpected <= maxLogExpected) found.push({ from, to, logExpected });
  }

  const spans = await Promise.all(
    found.map(async ({ from, to, logExpected }) => {
      const [start, end] = [words[from].start, words[to - 1].end];
      const { count, sources } = await sourcesOf(corpus, bytes, start, end - start, sourcesPerSpan);
      const text = decode(bytes.subarray(start, end));
      const at = decode(bytes.subarray(0, start)).length;
      return { text, words: [from, to] as const, start: at, end: at + text.length, count, logExpected, sources };
    }),
  );
  // Where documents were removed, a span may stand nowhere any more.
  return spans.filter(({ count }) => count > 0).sort((a, b) => a.logExpected - b.logExpected);
}

async function sourcesOf(corpus: SearchedCorpus, pattern: Uint8Array, from: number, length: number, most: number) {
  const sources: SpanSource[] = [];
  let count = 0;
  for (let s = 0; s < corpus.segmentCount; s++) {
    const segment = await corpus.segment(s);
    const [first, end] = occurrences(segment, pattern, from, length);
    const here: number[] = [];
    for (let k = first; k < end; k++) {
      const position = segment.suffixes[k];
      if (corpus.isRemoved(s, documentAt(segment, position))) continue;
      count++;
      here.push(position);
    }
    here.sort((a, b) => a - b);
    for (const position of here.slice(0, most - sources.length)) sources.push(sourceAt(segment, position, length));
  }
  return { count, sources };
}

function sourceAt(segment: Segment, position: number, length: number): SpanSource {
  const document = documentAt(segment, position);
  const [start, end] = [segment.starts[document], segment.starts[document + 1] - 1];
  const before = decode(segment.bytes.subarray(Math.max(start, position - 4 * shownAround), position));
  const after = decode(segment.bytes.subarray(position + length, Math.min(end, position + length + 4 * shownAround)));
  return {
    document: segment.documents[document].id,
    place: segment.documents[document].place,
    offset: position - start,
    before: [...before].slice(-shownAround).join(''),
    after: [...after].slice(0, shownAround).join(''),
  };
}

// Cut signs at the ends of what is shown are left out.
const decoder = new TextDecoder('utf-8');
const decode = (bytes: Uint8Array) => decoder.decode(bytes).replace(/^\ufffd+|\ufffd+$/g, '');
