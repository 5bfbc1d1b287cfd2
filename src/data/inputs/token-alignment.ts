/** Beginning and end in UTF-16 units, as `String.prototype.slice` takes them. */
export type Span = readonly [start: number, end: number];

/**
 * Finds tokens in the text that they were made of. Tokenizers that do not keep offsets still keep the order, so each
 * token is looked for from where the last one ended: byte by byte, since tokens may hold parts of a letter; without
 * case and accents where the tokenizer dropped those. Tokens for unknown words get the letters between their neighbours.
 */
export function alignTokens(
  text: string,
  tokens: readonly string[],
  special: readonly boolean[],
  isUnknown: (token: number) => boolean = () => false,
): (Span | undefined)[] {
  const byteLetters = usesByteLetters(tokens);
  const bytes = tokens.map((token, i) =>
    special[i] ? undefined : isUnknown(i) ? 'unknown' : bytesOfToken(token, byteLetters),
  );
  const exact = walk(
    bytesOfText(text, (letter) => letter),
    bytes,
  );
  const isComplete = exact.every((span, i) => span || special[i] || isUnknown(i));
  const folded = isComplete ? exact : walk(bytesOfText(text, fold), bytes);
  const found = (spans: readonly (Span | undefined)[]) => spans.filter(Boolean).length;
  return withUnknown(text, found(folded) > found(exact) ? folded : exact, isUnknown);
}

/** Gives tokens for unknown words the letters between the tokens around them. */
function withUnknown(
  text: string,
  spans: readonly (Span | undefined)[],
  isUnknown: (token: number) => boolean,
): (Span | undefined)[] {
  const result = [...spans];
  for (let first = 0; first < spans.length; first++) {
    if (!isUnknown(first)) continue;
    let end = first + 1;
    while (end < spans.length && isUnknown(end)) end++;
    const from = spans.slice(0, first).findLast((span) => span)?.[1] ?? 0;
    const to = spans.slice(end).find((span) => span)?.[0] ?? text.length;
    for (const [i, span] of unknownSpans(text, from, to, end - first).entries()) result[first + i] = span;
    first = end;
  }
  return result;
}

const scriptWithoutSpaces =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]/u;
/** What tokenizers cut a text into first: words, single letters of scripts without spaces, punctuation. */
const piece = new RegExp(
  `${scriptWithoutSpaces.source}|(?:(?!${scriptWithoutSpaces.source})[\\p{L}\\p{N}\\p{M}])+|\\S`,
  'gu',
);

/** The letters of several unknown words in a row: one each where they can be told apart, else all with the first. */
function unknownSpans(text: string, from: number, to: number, count: number): (Span | undefined)[] {
  const between = text.slice(from, to);
  for (const pattern of [/\S+/gu, piece]) {
    const found = [...between.matchAll(pattern)].map(
      ({ index, 0: { length } }): Span => [from + index, from + index + length],
    );
    if (found.length === count) return found;
  }
  const start = between.search(/\S/u);
  if (start < 0) return Array.from({ length: count }, () => undefined);
  const whole: Span = [from + start, from + between.trimEnd().length];
  return Array.from({ length: count }, (_, i) => (i === 0 ? whole : undefined));
}

/**
 * Numbers the words: tokens between spaces belong together; punctuation, special tokens and letters of scripts
 * without spaces stand alone.
 */
export function wordsOf(text: string, spans: readonly (Span | undefined)[], special: readonly boolean[]): number[] {
  let word = -1;
  let last: Span | undefined;
  return spans.map((span, i) => {
    const joined =
      span &&
      last &&
      !special[i] &&
      (span[0] < last[1] || (span[0] === last[1] && (last[0] === last[1] || continues(text, span[0]))));
    if (!joined) word++;
    last = special[i] ? undefined : span;
    return word;
  });
}

const wordLetter = /[\p{L}\p{N}\p{M}'’_-]/u;

/** Whether the letter at a place goes on with the word before it. */
function continues(text: string, at: number): boolean {
  const letter = String.fromCodePoint(text.codePointAt(at) ?? 32);
  return wordLetter.test(letter) && wordLetter.test(text[at - 1] ?? ' ') && !scriptWithoutSpaces.test(letter);
}

/** UTF-8 bytes of a text and the letter that each belongs to. */
interface Bytes {
  readonly bytes: readonly number[];
  /** For each byte: beginning and end of its letter in the text. */
  readonly spans: readonly Span[];
}

const utf8 = new TextEncoder();

function bytesOfText(text: string, change: (letter: string) => string): Bytes {
  const bytes: number[] = [];
  const spans: Span[] = [];
  let at = 0;
  for (const letter of text) {
    const span: Span = [at, at + letter.length];
    for (const byte of utf8.encode(change(letter))) {
      bytes.push(byte);
      spans.push(span);
    }
    at += letter.length;
  }
  return { bytes, spans };
}

/** A letter without case and accents, as uncased tokenizers read it. */
function fold(letter: string): string {
  return letter.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}

const isSpace = (byte: number) => byte === 32 || (byte >= 9 && byte <= 13);
/** How far ahead a token is looked for where letters were dropped or changed between two tokens. */
const furthest = 32;

/** Bytes of a token; undefined for special ones. */
type TokenBytes = readonly number[] | 'unknown' | undefined;

function walk({ bytes, spans }: Bytes, tokens: readonly TokenBytes[]): (Span | undefined)[] {
  let at = 0;
  let isBehindUnknown = false;
  return tokens.map((token) => {
    if (token === 'unknown') isBehindUnknown = true;
    if (!token || token === 'unknown') return undefined;
    // An unknown word may be of any length.
    const reach = isBehindUnknown ? bytes.length : furthest;
    let from = at;
    while (from < bytes.length && isSpace(bytes[from])) from++;
    const trimmed = token.slice(token.findIndex((byte) => !isSpace(byte)));
    if (token.every(isSpace)) {
      // The space before a word: an empty place at the word, to which it belongs.
      const place = spans[from]?.[0] ?? spans.at(-1)?.[1] ?? 0;
      return [place, place];
    }
    const last = Math.min(from + reach, bytes.length - trimmed.length);
    const holds = (start: number) => trimmed.every((byte, i) => bytes[start + i] === byte);
    const begins = (start: number) => start === from || isSpace(bytes[start - 1]);
    // Behind an unknown word, the beginning of a word goes before a place inside of one.
    let start = isBehindUnknown ? firstFrom(from + 1, last, (i) => begins(i) && holds(i)) : undefined;
    start ??= firstFrom(from, last, holds);
    if (start === undefined) return undefined;
    isBehindUnknown = false;
    at = start + trimmed.length;
    return [spans[start][0], spans[at - 1][1]];
  });
}

function firstFrom(from: number, last: number, holds: (i: number) => boolean): number | undefined {
  for (let i = from; i <= last; i++) if (holds(i)) return i;
  return undefined;
}

const byteToken = /^<0x([0-9A-F]{2})>$/;

function bytesOfToken(token: string, byteLetters: boolean): number[] {
  const byte = byteToken.exec(token);
  if (byte) return [Number.parseInt(byte[1], 16)];
  if (byteLetters) return Array.from(token, (letter) => byteOfLetter.get(letter) ?? 32);
  return [
    ...utf8.encode(
      token
        .replaceAll('▁', ' ')
        .replace(/^##/, '')
        .replace(/<\/w>$/, ''),
    ),
  ];
}

/** Byte-level tokenizers write every byte as a printable letter: `Ġ` for the space, `Ã©` for `é`. */
function usesByteLetters(tokens: readonly string[]): boolean {
  return tokens.some((token) => /[ĠĊĉ]/.test(token)) && !tokens.some((token) => token.includes('▁'));
}

/** The bytes that are printable letters stand for themselves, the others for the letters from U+0100 on, in order. */
const byteOfLetter: ReadonlyMap<string, number> = (() => {
  const letters = new Map<string, number>();
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte !== 173);
    letters.set(String.fromCodePoint(printable ? byte : next++), byte);
  }
  return letters;
})();
