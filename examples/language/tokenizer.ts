/** Special tokens of all vocabularies here, by id. */
export const specialWords = ['<pad>', '<s>'] as const;

/** A `tokenizer.json` that splits at spaces, with one token for each word, and begins each text with `<s>`. */
export function wordTokenizer(words: readonly string[]): string {
  const vocab = Object.fromEntries(words.map((word, id) => [word, id]));
  const added = specialWords.map((content, id) => ({
    id,
    content,
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  }));
  return `${JSON.stringify(
    {
      version: '1.0',
      added_tokens: added,
      normalizer: null,
      pre_tokenizer: { type: 'WhitespaceSplit' },
      post_processor: {
        type: 'TemplateProcessing',
        single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
        pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 0 } }],
        special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
      },
      decoder: null,
      model: { type: 'WordLevel', vocab, unk_token: '<pad>' },
    },
    undefined,
    1,
  )}\n`;
}
