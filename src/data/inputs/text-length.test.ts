import { describe, expect, it } from 'vitest';
import type { EncodedText } from './text-length.ts';
import { filledUp, partsOfText, textLimits, truncationOf } from './text-length.ts';

/** [CLS] a b c d e [SEP], each token a word. */
const text: EncodedText = {
  ids: [2, 10, 11, 12, 13, 14, 3],
  tokens: ['[CLS]', 'a', 'b', 'c', 'd', 'e', '[SEP]'],
  texts: ['[CLS]', 'a', 'b', 'c', 'd', 'e', '[SEP]'],
  spans: [undefined, [0, 1], [1, 2], [2, 3], [3, 4], [4, 5], undefined],
  special: [true, false, false, false, false, false, true],
  words: [0, 1, 2, 3, 4, 5, 6],
};
const idsOf = (parts: readonly { encoded: EncodedText }[]) => parts.map(({ encoded }) => encoded.ids.join(' '));

describe('partsOfText', () => {
  it('leaves a text alone that fits', () => {
    expect(partsOfText(text, {})).toEqual([{ encoded: text, leftOut: 0 }]);
    expect(partsOfText(text, { longest: 7 })).toEqual([{ encoded: text, leftOut: 0 }]);
  });

  it('cuts at the end or at the beginning, and keeps the special tokens', () => {
    const [right] = partsOfText(text, { longest: 5 });
    expect(right.encoded.ids).toEqual([2, 10, 11, 12, 3]);
    expect(right.encoded.words).toEqual([0, 1, 2, 3, 4]);
    expect(right.leftOut).toBe(2);
    expect(idsOf(partsOfText(text, { longest: 5, cutAt: 'left' }))).toEqual(['2 12 13 14 3']);
  });

  it('reads in windows that share tokens, until the last one is read', () => {
    expect(idsOf(partsOfText(text, { longest: 5, overlap: 1 }))).toEqual(['2 10 11 12 3', '2 12 13 14 3']);
    expect(idsOf(partsOfText(text, { longest: 4, overlap: 1 }))).toEqual([
      '2 10 11 3',
      '2 11 12 3',
      '2 12 13 3',
      '2 13 14 3',
    ]);
  });

  it('refuses windows without room', () => {
    expect(() => partsOfText(text, { longest: 2 })).toThrow(/no window/);
    expect(() => partsOfText(text, { longest: 5, overlap: 3 })).toThrow(/windows that share 3/);
  });

  it('fills up with one word of padding', () => {
    const filled = filledUp(text, 9, { id: 0, token: '[PAD]' });
    expect(filled.ids.slice(7)).toEqual([0, 0]);
    expect(filled.words.slice(6)).toEqual([6, 7, 7]);
    expect(filled.special.slice(6)).toEqual([true, true, true]);
  });
});

describe('limits in files', () => {
  it('tokenizer_config.json', () => {
    expect(textLimits({ model_max_length: 512, truncation_side: 'left' })).toEqual({ longest: 512, cutAt: 'left' });
    // What transformers writes for "no limit".
    expect(textLimits({ model_max_length: 1e30 }).longest).toBeUndefined();
    expect(textLimits(null)).toEqual({});
  });

  it('the truncation of tokenizer.json', () => {
    const truncation = { direction: 'Right', max_length: 128, strategy: 'LongestFirst', stride: 0 };
    expect(truncationOf({ truncation })).toEqual({ longest: 128 });
    expect(truncationOf({ truncation: { ...truncation, stride: 16 } }).overlap).toBe(16);
    expect(truncationOf({ truncation: null })).toEqual({});
    expect(truncationOf({ truncation: { max_length: 12.5, stride: 0.5 } })).toEqual({ longest: 12 });
  });
});
