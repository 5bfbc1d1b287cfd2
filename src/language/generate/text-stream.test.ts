import { describe, expect, it } from 'vitest';
import { byteTokenizer } from '../../../test/language/byte-tokenizer.ts';
import { textStream } from './text-stream.ts';

const tokenizer = await byteTokenizer();
const idsOf = (text: string) => tokenizer.encode(text, { special: false }).ids;

describe('a stream of text', () => {
  it.each(['b é', '日本語 b', '😀', 'مرحبا', 'é and e\u0301', '👩‍👩‍👧 c'])(
    'gives out whole letters only: %s',
    (text) => {
      const stream = textStream(tokenizer, [1]);
      const pieces = idsOf(text).map((id) => stream.push(id));
      expect(pieces.filter((piece) => piece.includes('\uFFFD'))).toEqual([]);
      expect(pieces.join('') + stream.end()).toBe(text);
    },
  );

  it('keeps the space behind the prompt', () => {
    const stream = textStream(tokenizer, tokenizer.encode('b').ids);
    expect(
      idsOf('c')
        .map((id) => stream.push(id))
        .join(''),
    ).toBe(' c');
  });

  it('gives out bytes that never became a letter, at the end', () => {
    const stream = textStream(tokenizer, [1]);
    const first = idsOf('é')[1];
    expect([stream.push(idsOf('b')[0]), stream.push(first), stream.end()].join('')).toMatch(/\uFFFD$/);
  });

  it('holds back what may begin a stop string', () => {
    const stream = textStream(tokenizer, [1], ['bcb']);
    const [, b] = idsOf('b');
    const [, c] = idsOf('c');
    expect([b, c, c].map((id) => stream.push(id))).toEqual(['', '', 'bcc']);
  });
});
