import { describe, expect, it } from 'vitest';
import { type CorpusDocument, makeSegment } from './segment.ts';
import { type SearchedCorpus, verbatimSpans } from './verbatim.ts';
import { wordsOf } from './words.ts';

function corpus(
  parts: readonly (readonly Omit<CorpusDocument, 'place'>[])[],
  removed: readonly string[] = [],
): SearchedCorpus {
  const segments = parts.map((documents) => makeSegment(documents.map((one) => ({ ...one, place: `text ${one.id}` }))));
  return {
    segmentCount: segments.length,
    segment: async (index) => segments[index],
    isRemoved: (segment, document) => removed.includes(parts[segment][document].id),
  };
}

const sea = { id: 'sea', text: 'The old captain counted seven grey whales before the storm came, and then no more.' };
const land = { id: 'land', text: 'Before the storm came we had counted the sheep. The old captain slept.' };
const loose = { minWords: 3, maxLogExpected: 99 };

describe('words', () => {
  it('have their places among the bytes, in every script', () => {
    const text = 'Größe, 3½ naïve 漢字 สวัสดี 👍 ok';
    const bytes = new TextEncoder().encode(text);
    const words = wordsOf(text);
    expect(words.map((word) => word.text)).toEqual([
      'Größe',
      '3½',
      'naïve',
      '漢',
      '字',
      ...wordsOf('สวัสดี').map((w) => w.text),
      'ok',
    ]);
    for (const { start, end, text: word } of words)
      expect(new TextDecoder().decode(bytes.subarray(start, end))).toBe(word);
  });
});

describe('verbatim spans', () => {
  it('are the longest ones, each where it stands', async () => {
    const passage = 'They say the old captain counted seven grey whales before the storm came we hid.';
    const spans = await verbatimSpans(corpus([[sea, land]]), passage, loose);
    // "old captain" to "came" of one document, "before the storm came we" of the other; the first "The" is capital there.
    expect(spans.map(({ text }) => text)).toEqual([
      'old captain counted seven grey whales before the storm came',
      'the storm came we',
    ]);
    expect(spans[0]).toMatchObject({
      count: 1,
      sources: [{ document: 'sea', place: 'text sea', offset: 4, before: 'The ', after: ', and then no more.' }],
    });
    expect(passage.slice(spans[0].start, spans[0].end)).toBe(spans[0].text);
  });

  it('overlap where neither lies within the other', async () => {
    const parts = [[{ id: 'a', text: 'one two three four' }], [{ id: 'b', text: 'three four five six' }]];
    const spans = await verbatimSpans(corpus(parts), 'zero one two three four five six seven', loose);
    expect(spans.map(({ text, words }) => [text, words]).sort()).toEqual([
      ['one two three four', [1, 5]],
      ['three four five six', [3, 7]],
    ]);
  });

  it('are counted in all segments, and do not run over the end of a document', async () => {
    const copies = Array.from({ length: 1000 }, (_, i) => ({ id: `copy ${i}`, text: 'the same few words again' }));
    const spans = await verbatimSpans(
      corpus([copies.slice(0, 600), copies.slice(600)]),
      'the same few words again the same few words again',
      loose,
    );
    expect(spans.map(({ text, count }) => [text, count])).toEqual([
      ['the same few words again', 1000],
      ['the same few words again', 1000],
    ]);
    expect(spans[0].sources.map(({ document }) => document)).toEqual([0, 1, 2, 3, 4].map((i) => `copy ${i}`));
  });

  it('of removed documents are none', async () => {
    const passage = 'seven grey whales before the storm came';
    expect(await verbatimSpans(corpus([[sea, land]], ['sea']), passage, loose)).toEqual([]);
  });

  it('rank by how improbable their words are: log10(N Π n_w / N)', async () => {
    // 8 words: rare once each, common twice each.
    const documents = [{ id: 'd', text: 'a b c. x y z. a b c' }];
    const spans = await verbatimSpans(corpus([documents]), 'x y z, a b c', loose);
    expect(spans.map(({ text }) => text)).toEqual(['x y z', 'a b c']);
    expect(spans[0].logExpected).toBeCloseTo(Math.log10(9 * (1 / 9) ** 3), 12);
    expect(spans[1].logExpected).toBeCloseTo(Math.log10(9 * (2 / 9) ** 3), 12);
    expect(await verbatimSpans(corpus([documents]), 'x y z', { minWords: 3, maxLogExpected: -2 })).toEqual([]);
  });

  it('of a passage without a word, and of an empty corpus, are none', async () => {
    expect(await verbatimSpans(corpus([[sea]]), ' … !', loose)).toEqual([]);
    expect(await verbatimSpans(corpus([]), 'one two three four five six', loose)).toEqual([]);
  });
});
