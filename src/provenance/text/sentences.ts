import { wordsOf } from './words.ts';

/** A sentence of a text, and its place in UTF-16 units, as JavaScript counts them. */
export interface Sentence {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Words that a sentence has at least: of fewer, too little can be said in other words. */
const leastWords = 3;

const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' });

/** The sentences of a text by the rules of Unicode (UAX 29), without white space around them; lines end sentences as well. */
export function sentencesOf(text: string): Sentence[] {
  const found: Sentence[] = [];
  for (const { segment, index } of segmenter.segment(text)) {
    for (const { 0: line, index: at } of segment.matchAll(/[^\r\n]+/g)) {
      const trimmed = line.trim();
      if (wordsOf(trimmed).length < leastWords) continue;
      const start = index + at + line.indexOf(trimmed);
      found.push({ text: trimmed, start, end: start + trimmed.length });
    }
  }
  return found;
}
