import { describe, expect, it } from 'vitest';
import { sharedData } from '../../../test/shared-data.ts';
import { withinTime } from '../files/within-time.ts';
import { emptyToken } from './empty-token.ts';
import { alignTokens, wordsOf } from './token-alignment.ts';
import { parseTokenizer } from './tokenizer.ts';
import { readTokenizer } from './tokenizer-file.ts';

const none = (tokens: readonly string[]) => tokens.map(() => false);
const pieces = (text: string, tokens: readonly string[]) =>
  alignTokens(text, tokens, none(tokens)).map((span) => span && text.slice(...span));

describe('words that the vocabulary lacks', () => {
  const found = (text: string, tokens: readonly string[]) =>
    alignTokens(text, tokens, none(tokens), (i) => tokens[i] === '[UNK]').map((span) => span && text.slice(...span));

  it('are shown by their own letters, and do not disturb those behind them', () => {
    expect(found('my 😀 card', ['my', '[UNK]', 'card'])).toEqual(['my', '😀', 'card']);
    expect(found('[UNK] is not in it', ['[UNK]', 'is', 'not'])).toEqual(['[UNK]', 'is', 'not']);
    const long = 'x'.repeat(200);
    expect(found(`${long} card`, ['[UNK]', 'card'])).toEqual([long, 'card']);
    // "in" stands in the unknown word as well.
    expect(found('zorblinax in a', ['[UNK]', 'in', 'a'])).toEqual(['zorblinax', 'in', 'a']);
  });

  it('are told apart where several follow each other', () => {
    expect(found('a 你好 b', ['a', '[UNK]', '[UNK]', 'b'])).toEqual(['a', '你', '好', 'b']);
    expect(found('qq ww card', ['[UNK]', '[UNK]', 'card'])).toEqual(['qq', 'ww', 'card']);
    expect(found('(qq)', ['[UNK]', '[UNK]', '[UNK]'])).toEqual(['(', 'qq', ')']);
    // Two tokens for one word: nothing says where it was cut.
    expect(found('qqww', ['[UNK]', '[UNK]'])).toEqual(['qqww', undefined]);
  });
});

describe('alignTokens', () => {
  it('sentence pieces, with the space before a word left out', () => {
    expect(pieces('Once upon', ['▁Once', '▁', 'up', 'on'])).toEqual(['Once', '', 'up', 'on']);
  });

  it('word pieces of an uncased tokenizer that drops accents', () => {
    expect(pieces('Zoë is PLAYING.', ['zoe', 'is', 'play', '##ing', '.'])).toEqual(['Zoë', 'is', 'PLAY', 'ING', '.']);
  });

  it('bytes that make one letter all lie on it', () => {
    // é is C3 A9 in UTF-8, and the letter of the byte A9 is ©.
    expect(pieces('café!', ['▁caf', '<0xC3>', '<0xA9>', '!'])).toEqual(['caf', 'é', 'é', '!']);
    expect(pieces('a café', ['a', 'Ġca', 'f', 'Ã', '©'])).toEqual(['a', 'ca', 'f', 'é', 'é']);
    expect(pieces('x 😀', ['x', 'Ġ', 'ðŁĺ', 'Ģ'])).toEqual(['x', '', '😀', '😀']);
  });

  it('goes on after a token that stands for unknown letters', () => {
    expect(pieces('a ☂ b', ['a', '[UNK]', 'b'])).toEqual(['a', undefined, 'b']);
  });
});

describe('wordsOf', () => {
  const words = (text: string, tokens: readonly string[], special = none(tokens)) =>
    wordsOf(text, alignTokens(text, tokens, special), special);

  it('joins pieces between spaces; punctuation and special tokens stand alone', () => {
    expect(
      words("He didn't stop.", ['<s>', '▁He', '▁did', 'n', "'t", '▁st', 'op', '.'], [true, ...none(Array(7).fill(''))]),
    ).toEqual([0, 1, 2, 2, 2, 3, 3, 4]);
  });

  it('takes a separate space to the word after it, and the bytes of a letter together', () => {
    expect(words('a é', ['▁a', '▁', '<0xC3>', '<0xA9>'])).toEqual([0, 1, 1, 1]);
  });

  it('does not join letters of a script without spaces', () => {
    expect(words('日本', ['日', '本'])).toEqual([0, 1]);
  });
});

describe('tokenizer', () => {
  const stories = sharedData('stories260k/tokenizer.json');

  it.skipIf(!stories)('of a real model: ids, words, special tokens', async () => {
    const tokenizer = await readTokenizer(stories as string);
    const encoded = tokenizer.encode('Once upon a time, Zoë');
    expect(encoded.ids.slice(0, 5)).toEqual([1, 403, 407, 261, 378]);
    expect(encoded.special.slice(0, 2)).toEqual([true, false]);
    expect(encoded.texts.slice(0, 6)).toEqual(['<s>', 'Once', 'upon', 'a', 'time', ',']);
    // Zoë: a space, Z, o and the two bytes of ë are one word.
    expect(encoded.words).toEqual([0, 1, 2, 3, 4, 5, 6, 6, 6, 6, 6]);
    expect(encoded.texts.at(-1)).toBe('ë');
    expect(tokenizer.textOf(407)).toBe(' upon');
    expect(tokenizer.size).toBe(512);
    expect(emptyToken(tokenizer, 'unk')).toEqual({ id: 0, token: '<unk>' });
    expect(emptyToken(tokenizer, 'mask')).toBeUndefined();
  });

  it('refuses other files', async () => {
    await expect(parseTokenizer('{}', { within: withinTime })).rejects.toThrow(/not a tokenizer.*without model.vocab/);
    const refused = parseTokenizer('nonsense', { where: 'a.json', within: withinTime });
    await expect(refused).rejects.toThrow(/^a.json: not a tokenizer/);
  });

  it('reads unknown words of a vocabulary of whole words as its token for them, and refuses them where it has none', async () => {
    const wordLevel = (unknown?: string) =>
      parseTokenizer(
        JSON.stringify({
          model: { type: 'WordLevel', vocab: { '<pad>': 0, the: 1, b: 2 }, ...(unknown && { unk_token: unknown }) },
          pre_tokenizer: { type: 'WhitespaceSplit' },
          added_tokens: [],
          normalizer: null,
          post_processor: null,
          decoder: null,
        }),
        { where: 'a.json', within: withinTime },
      );
    const { ids, spans } = (await wordLevel('<pad>')).encode('the zebra b');
    expect(ids).toEqual([1, 0, 2]);
    expect(spans).toEqual([
      [0, 3],
      [4, 9],
      [10, 11],
    ]);
    const without = await wordLevel();
    expect(() => without.encode('the zebra')).toThrow(/neither "zebra" nor a token for unknown words.*in words of/);
  });

  it('refuses what its vocabulary has in place of ids', async () => {
    const withIdOfA = (id: unknown) =>
      parseTokenizer(
        JSON.stringify({
          model: { type: 'WordLevel', vocab: { '[UNK]': 0, a: id }, unk_token: '[UNK]' },
          pre_tokenizer: { type: 'Whitespace' },
          added_tokens: [],
          normalizer: null,
          post_processor: null,
          decoder: null,
        }),
        { where: 'a.json', within: withinTime },
      );
    expect((await withIdOfA(7)).encode('a a').ids).toEqual([7, 7]);
    for (const id of [-1, 0.5, '3', {}, 2 ** 60]) {
      const tokenizer = await withIdOfA(id);
      expect(() => tokenizer.encode('a')).toThrow(
        /^a.json: the tokenizer fails on this text.*the token "a" has the id/,
      );
    }
  });
});
