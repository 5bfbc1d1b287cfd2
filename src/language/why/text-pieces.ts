import type { EncodedText } from '../../data/inputs/text-length.ts';

/**
 * A text in words, as tokens are held, for a model that does not tell its own: Unicode's words and signs, each with the
 * space before it. The texts of all pieces one behind the other are the text.
 */
export function piecesOf(text: string): EncodedText {
  const texts: string[] = [];
  const spans: (readonly [number, number])[] = [];
  let space = '';
  for (const { segment, index } of new Intl.Segmenter(undefined, { granularity: 'word' }).segment(text)) {
    if (segment.trim() === '') {
      space += segment;
      continue;
    }
    texts.push(space + segment);
    spans.push([index, index + segment.length]);
    space = '';
  }
  // A space at the end belongs to the last piece.
  if (space !== '' && texts.length > 0) texts[texts.length - 1] += space;
  const numbers = texts.map((_, i) => i);
  return { ids: numbers, tokens: texts, texts, spans, special: texts.map(() => false), words: numbers };
}
