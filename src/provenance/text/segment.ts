import { suffixArray } from './suffix-array.ts';
import { wordsOf } from './words.ts';

/** A document of a corpus. */
export interface CorpusDocument {
  readonly id: string;
  /** Where it comes from, for people: a file, the row of a table. */
  readonly place: string;
  readonly text: string;
}

/**
 * A part of a corpus with the order of all its suffixes. Documents stand one behind the other, each closed by a byte that
 * no UTF-8 text has, so that no match runs over an end.
 */
export interface Segment {
  readonly bytes: Uint8Array;
  /** Start of each suffix in `bytes`, in the order of the suffixes. */
  readonly suffixes: Int32Array;
  /** The documents, and where each begins; the last start is the length of `bytes`. */
  readonly documents: readonly Omit<CorpusDocument, 'text'>[];
  readonly starts: Uint32Array;
  /** How often each word occurs. */
  readonly words: ReadonlyMap<string, number>;
}

/** Closes a document: not a byte of any UTF-8 text. */
export const documentEnd = 0xff;

const encoder = new TextEncoder();

/** UTF-8 bytes that a document takes in a segment. */
export function segmentBytes({ text }: CorpusDocument): number {
  return encoder.encode(text).length + 1;
}

/** Puts documents into a segment and sorts its suffixes: linear in the number of bytes, about nine bytes of memory for each. */
export function makeSegment(documents: readonly CorpusDocument[]): Segment {
  const encoded = documents.map(({ text }) => encoder.encode(text));
  const starts = new Uint32Array(documents.length + 1);
  for (const [i, { length }] of encoded.entries()) starts[i + 1] = starts[i] + length + 1;
  const bytes = new Uint8Array(starts[documents.length]);
  const words = new Map<string, number>();
  for (const [i, one] of encoded.entries()) {
    bytes.set(one, starts[i]);
    bytes[starts[i + 1] - 1] = documentEnd;
    for (const { text } of wordsOf(documents[i].text)) words.set(text, (words.get(text) ?? 0) + 1);
  }
  return {
    bytes,
    suffixes: suffixArray(bytes, 256),
    documents: documents.map(({ id, place }) => ({ id, place })),
    starts,
    words,
  };
}

/** Number of bytes that the longest beginning of `pattern[from …]` has that occurs in the segment. */
export function longestMatch({ bytes, suffixes }: Segment, pattern: Uint8Array, from: number): number {
  // Suffixes before `low` are smaller than the pattern, those from `high` on are not; both bounds share that many bytes.
  let [low, high] = [0, suffixes.length];
  let [sharedLow, sharedHigh] = [0, 0];
  let longest = 0;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const start = suffixes[middle];
    let shared = Math.min(sharedLow, sharedHigh);
    while (from + shared < pattern.length && bytes[start + shared] === pattern[from + shared]) shared++;
    if (shared > longest) longest = shared;
    if (from + shared === pattern.length || bytes[start + shared] > pattern[from + shared]) {
      high = middle;
      sharedHigh = shared;
    } else {
      low = middle + 1;
      sharedLow = shared;
    }
  }
  return longest;
}

/** The suffixes that begin with a piece of a pattern: from the first on, up to the one before the second. */
export function occurrences(segment: Segment, pattern: Uint8Array, from: number, length: number): [number, number] {
  const first = bound(segment, pattern, from, length, (order) => order < 0);
  return [first, bound(segment, pattern, from, length, (order) => order <= 0)];
}

/** The first suffix for which `isBefore` of its order against the piece does not hold. */
function bound(
  { bytes, suffixes }: Segment,
  pattern: Uint8Array,
  from: number,
  length: number,
  isBefore: (order: number) => boolean,
): number {
  let [low, high] = [0, suffixes.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const start = suffixes[middle];
    let k = 0;
    while (k < length && bytes[start + k] === pattern[from + k]) k++;
    // A suffix that ends within the piece is smaller: its last byte closes a document, and more than any other.
    const order = k === length ? 0 : (bytes[start + k] ?? -1) - pattern[from + k];
    if (isBefore(order)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The document that a byte of a segment lies in. */
export function documentAt({ starts }: Segment, position: number): number {
  let [low, high] = [0, starts.length - 1];
  while (low + 1 < high) {
    const middle = (low + high) >>> 1;
    if (starts[middle] <= position) low = middle;
    else high = middle;
  }
  return low;
}
