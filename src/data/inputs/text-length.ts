import { WhereforeError } from '../../errors.ts';
import type { Span } from './token-alignment.ts';

/** A text as a model reads it. */
export interface EncodedText {
  readonly ids: readonly number[];
  /** The tokens as the tokenizer writes them: `▁Once`, `##ing`, `<s>`. */
  readonly tokens: readonly string[];
  /** What each token stands for in the text; special tokens and bytes that are no letters as the tokenizer writes them. */
  readonly texts: readonly string[];
  /** Where in the text each token lies; undefined for special tokens and what cannot be found again. */
  readonly spans: readonly (Span | undefined)[];
  readonly special: readonly boolean[];
  /** The word of each token: tokens of one word have the same number; special tokens have their own. */
  readonly words: readonly number[];
}

/** How long a text may be, in tokens, and what becomes of a longer one. */
export interface TextLimits {
  readonly longest?: number;
  /** The side at which a longer text is cut. Default right. */
  readonly cutAt?: 'left' | 'right';
  /** Tokens that two windows of a longer text share, where it is read in windows. */
  readonly overlap?: number;
}

/** Numbers above this stand for "no limit" in a `tokenizer_config.json`. */
const noLimit = 1e9;

/** What a `tokenizer_config.json` says of long texts. */
export function textLimits(content: unknown): TextLimits {
  const { model_max_length: longest, truncation_side: side } = (content ?? {}) as Record<string, unknown>;
  return {
    longest: typeof longest === 'number' && longest > 0 && longest < noLimit ? Math.floor(longest) : undefined,
    cutAt: side === 'left' ? 'left' : undefined,
  };
}

/** What the `truncation` of a `tokenizer.json` says: with a stride, what is over becomes further windows. */
export function truncationOf(content: unknown): TextLimits {
  const { truncation } = (content ?? {}) as { truncation?: Record<string, unknown> | null };
  if (!truncation) return {};
  const { max_length: longest, stride, direction } = truncation;
  return {
    longest: typeof longest === 'number' && longest >= 1 ? Math.floor(longest) : undefined,
    cutAt: direction === 'Left' ? 'left' : undefined,
    overlap: typeof stride === 'number' && stride >= 1 ? Math.floor(stride) : undefined,
  };
}

/** A part of a text that a model takes at once. */
export interface TextPart {
  readonly encoded: EncodedText;
  /** Tokens of the text that are in no part; special tokens do not count. */
  readonly leftOut: number;
}

/**
 * Cuts a text to the longest that a model takes. Special tokens at its beginning and end stay; the text between is cut
 * at one side or, with `overlap`, read in windows.
 * @throws WhereforeError `out-of-range` where the special tokens alone are too many, or windows would not advance
 */
export function partsOfText(encoded: EncodedText, { longest, cutAt = 'right', overlap }: TextLimits): TextPart[] {
  const { special } = encoded;
  const count = special.length;
  if (longest === undefined || count <= longest) return [{ encoded, leftOut: 0 }];
  const before = special.findIndex((is) => !is);
  const after = [...special].reverse().findIndex((is) => !is);
  const room = longest - before - after;
  if (before < 0 || room < 1 || (overlap !== undefined && overlap >= room)) {
    throw new WhereforeError('out-of-range', 'no window of the text fits the model', {
      got: `${before < 0 ? count : before + after} special tokens${overlap ? `, and windows that share ${overlap}` : ''}`,
      expected: `fewer than ${longest} together`,
    });
  }
  const length = count - before - after;
  const part = (start: number): EncodedText =>
    partOf(encoded, [
      ...range(0, before),
      ...range(before + start, before + Math.min(length, start + room)),
      ...range(count - after, count),
    ]);
  if (overlap === undefined) return [{ encoded: part(cutAt === 'left' ? length - room : 0), leftOut: length - room }];
  const starts = [0];
  while (starts[starts.length - 1] + room < length) starts.push(starts[starts.length - 1] + room - overlap);
  return starts.map((start) => ({ encoded: part(start), leftOut: 0 }));
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** Some tokens of a text, with words numbered anew. */
function partOf({ ids, tokens, texts, spans, special, words }: EncodedText, kept: readonly number[]): EncodedText {
  const numbers = new Map<number, number>();
  for (const i of kept) if (!numbers.has(words[i])) numbers.set(words[i], numbers.size);
  const pick = <T>(list: readonly T[]) => kept.map((i) => list[i]);
  return {
    ids: pick(ids),
    tokens: pick(tokens),
    texts: pick(texts),
    spans: pick(spans),
    special: pick(special),
    words: kept.map((i) => numbers.get(words[i]) as number),
  };
}

/** A text filled up with a special token to the number of tokens that a model always takes. */
export function filledUp(
  encoded: EncodedText,
  length: number,
  { id, token }: { id: number; token: string },
): EncodedText {
  const missing = length - encoded.ids.length;
  if (missing <= 0) return encoded;
  const more = range(0, missing);
  const first = encoded.words.reduce((most, word) => Math.max(most, word), -1) + 1;
  return {
    ids: [...encoded.ids, ...more.map(() => id)],
    tokens: [...encoded.tokens, ...more.map(() => token)],
    texts: [...encoded.texts, ...more.map(() => token)],
    spans: [...encoded.spans, ...more.map(() => undefined)],
    special: [...encoded.special, ...more.map(() => true)],
    words: [...encoded.words, ...more.map(() => first)],
  };
}
