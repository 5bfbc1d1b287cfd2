import { describe, expect, it } from 'vitest';
import { byteTokenizer } from '../../../test/language/byte-tokenizer.ts';
import { type UnitKind, unitsOf } from './units.ts';

const tokenizer = await byteTokenizer();
const texts = (text: string, kind: UnitKind) => unitsOf(text, tokenizer.encode(text), kind).map((unit) => unit.text);

describe('units of a text', () => {
  it('are sentences, words and tokens, with special tokens apart', () => {
    const text = 'Dr. A ran. Was it b? Yes!';
    expect(texts(text, 'sentence')).toEqual(
      ['<s>', 'Dr. ', 'A ran. ', 'Was it b? ', 'Yes!'].map((t, i) => (i ? t.trimEnd() : t)),
    );
    expect(texts(text, 'word')).toEqual(['<s>', 'Dr', '.', 'A', 'ran', '.', 'Was', 'it', 'b', '?', 'Yes', '!']);
  });

  it('are paragraphs where blank lines part them', () => {
    const text = 'One. Two\nstill.\n\nThree.\n \n\n\nFour?';
    expect(texts(text, 'paragraph').map((one) => one.trim())).toEqual(['<s>', 'One. Two\nstill.', 'Three.', 'Four?']);
    expect(texts('One. Two.', 'paragraph')).toEqual(['<s>', 'One. Two.']);
  });

  it.each([
    ['chinese', '我有一只狗。它很大。', ['<s>', '我有一只狗。', '它很大。']],
    ['japanese', '犬がいる。走った！', ['<s>', '犬がいる。', '走った！']],
    ['arabic', 'ذهب الولد. كان سعيدا.', ['<s>', 'ذهب الولد.', 'كان سعيدا.']],
    ['emoji and combining marks', 'Cafe\u0301 👩‍👩‍👧! B.', ['<s>', 'Cafe\u0301 👩‍👩‍👧!', 'B.']],
  ])('are sentences in every script: %s', (_, text, expected) => {
    expect(texts(text, 'sentence')).toEqual(expected);
  });

  it.each(['token', 'word', 'sentence', 'paragraph'] as const)('hold every token once: %ss', (kind) => {
    const text = '日本 b é. 👩‍👩‍👧 مرحبا! \n a';
    const encoded = tokenizer.encode(text);
    const units = unitsOf(text, encoded, kind);
    expect(units.flatMap(({ tokens }) => tokens)).toEqual(encoded.ids.map((_, i) => i));
  });
});
