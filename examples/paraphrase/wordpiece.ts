/** Special tokens, by id. */
const special = ['[PAD]', '[UNK]'] as const;

/** Words and pieces of words at most. */
const mostTokens = 6000;
const longestPiece = 6;

/**
 * A `tokenizer.json` of WordPiece over some texts: their words that occur twice, and the ends and middles of words that
 * occur most, so that a word which is not among them is split. Letters are made small, and signs stand alone.
 * Source: Schuster, Nakajima 2012 for the splitting.
 */
export function wordPieceTokenizer(texts: readonly string[]): string {
  const [words, pieces] = [new Map<string, number>(), new Map<string, number>()];
  const count = (of: Map<string, number>, key: string) => of.set(key, (of.get(key) ?? 0) + 1);
  for (const text of texts) {
    for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/gu)) {
      count(words, word);
      for (let from = 0; from < word.length; from++)
        for (let to = from + 1; to <= Math.min(word.length, from + longestPiece); to++)
          count(pieces, from === 0 ? word.slice(0, to) : `##${word.slice(from, to)}`);
    }
  }
  const letters = [...pieces.keys()].filter((piece) => piece.replace('##', '').length === 1).sort();
  const often = (of: Map<string, number>, least: number) =>
    [...of].filter(([, n]) => n >= least).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const kept = new Set<string>([...special, ...letters]);
  for (const [token] of [...often(words, 2), ...often(pieces, 20)]) if (kept.size < mostTokens) kept.add(token);
  const added = special.map((content, id) => ({
    ...{ id, content, special: true, single_word: false, lstrip: false, rstrip: false, normalized: false },
  }));
  return JSON.stringify({
    version: '1.0',
    added_tokens: added,
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: null,
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: special[1],
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 60,
      vocab: Object.fromEntries([...kept].map((token, id) => [token, id])),
    },
  });
}
