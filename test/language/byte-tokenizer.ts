import { parseTokenizer, type Tokenizer } from '../../src/data/inputs/tokenizer.ts';

/** A tokenizer like Llama's: a space before the text, a few words, and bytes for every other letter. */
export function byteTokenizer(words: readonly string[] = ['▁a', '▁the', 'b', 'c', '▁']): Tokenizer {
  const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`);
  const vocab = Object.fromEntries(['<unk>', '<s>', '</s>', ...bytes, ...words].map((token, id) => [token, id]));
  const special = ['<unk>', '<s>', '</s>'].map((content, id) => ({
    id,
    content,
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  }));
  const merges = words.flatMap((word) => {
    const letters = [...word];
    return letters.length === 2 && letters.every((letter) => vocab[letter] !== undefined) ? [letters.join(' ')] : [];
  });
  return parseTokenizer(
    JSON.stringify({
      version: '1.0',
      added_tokens: special,
      normalizer: {
        type: 'Sequence',
        normalizers: [
          { type: 'Prepend', prepend: '▁' },
          { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
        ],
      },
      pre_tokenizer: null,
      post_processor: {
        type: 'TemplateProcessing',
        single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
        pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
        special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
      },
      decoder: {
        type: 'Sequence',
        decoders: [
          { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
          { type: 'ByteFallback' },
          { type: 'Fuse' },
          { type: 'Strip', content: ' ', start: 1, stop: 0 },
        ],
      },
      model: { type: 'BPE', unk_token: '<unk>', fuse_unk: true, byte_fallback: true, vocab, merges },
    }),
  );
}
