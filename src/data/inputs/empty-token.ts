/** What finds a token by its text: a tokenizer. */
interface Vocabulary {
  idOf(token: string): number | undefined;
}

/** Names by which tokens that stand for "nothing here" are known. */
export const emptyTokens = {
  pad: ['[PAD]', '<pad>', '<|pad|>', '<|endoftext|>'],
  mask: ['[MASK]', '<mask>'],
  unk: ['[UNK]', '<unk>'],
} as const;

/** The first token that the vocabulary has under one of the usual names. */
export function emptyToken(
  tokenizer: Vocabulary,
  kind: keyof typeof emptyTokens,
): { readonly id: number; readonly token: string } | undefined {
  for (const token of emptyTokens[kind]) {
    const id = tokenizer.idOf(token);
    if (id !== undefined) return { id, token };
  }
  return undefined;
}
