import type { EncodedText } from '../../data/inputs/text-length.ts';

/** What a text is divided into; blank lines part it into paragraphs: documents, examples, whatever a person sets apart. */
export const unitKinds = ['token', 'word', 'sentence', 'paragraph'] as const;
export type UnitKind = (typeof unitKinds)[number];

/** A part of the prompt. */
export interface Unit {
  readonly text: string;
  /** Beginning and end in the prompt, in UTF-16 units; undefined for special tokens. */
  readonly span: readonly [start: number, end: number] | undefined;
  /** Indices of its tokens. */
  readonly tokens: readonly number[];
  /** Whether it is a special token, which is no part of the text, or is kept: it is shown and never taken away. */
  readonly special: boolean;
}

/**
 * The units of a text, in order; every token belongs to one. A token belongs to the sentence or paragraph in which its
 * first letter lies, words are those of the tokenizer's alignment, and letters of scripts without spaces stand alone.
 */
export function unitsOf(text: string, encoded: EncodedText, kind: UnitKind): Unit[] {
  const { spans, special, words, texts } = encoded;
  const partOf = kind === 'sentence' ? indexAmong(sentenceStarts(text)) : indexAmong(paragraphStarts(text));
  const units: { tokens: number[]; special: boolean; key: number | string }[] = [];
  let at = 0;
  for (let i = 0; i < spans.length; i++) {
    at = spans[i]?.[0] ?? at;
    const key = kind === 'token' || special[i] ? `token ${i}` : kind === 'word' ? words[i] : partOf(at);
    const last = units.at(-1);
    if (last && last.key === key && !last.special) last.tokens.push(i);
    else units.push({ tokens: [i], special: special[i], key });
  }
  return units.map(({ tokens, special }) => {
    const found = tokens.map((i) => spans[i]).filter((span) => span !== undefined);
    const span = found.length === 0 ? undefined : ([found[0][0], found[found.length - 1][1]] as const);
    const isBare = special || span === undefined || span[1] === span[0];
    return {
      text: isBare ? tokens.map((i) => texts[i]).join('') : text.slice(span[0], span[1]),
      span,
      tokens,
      special,
    };
  });
}

/** Where sentences begin, by Unicode's rules. */
const sentenceStarts = (text: string): number[] =>
  [...new Intl.Segmenter(undefined, { granularity: 'sentence' }).segment(text)].map(({ index }) => index);

/** Where paragraphs begin: behind blank lines. */
const paragraphStarts = (text: string): number[] => [
  0,
  ...Array.from(text.matchAll(/\n[^\S\n]*\n\s*/g), ({ 0: blank, index }) => index + blank.length),
];

/** Which of some parts a place of a text lies in, by where they begin. */
function indexAmong(starts: readonly number[]): (at: number) => number {
  return (at) => {
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle] <= at) low = middle;
      else high = middle - 1;
    }
    return low;
  };
}
