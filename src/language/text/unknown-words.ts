import type { LanguageModel } from '../model/language-model.ts';

/** Words that a note names. */
const most = 5;

/** A note of the words of some texts that the vocabulary lacks, if there are any: the model does not see which they are. */
export function unknownNote({ tokenizer }: Pick<LanguageModel, 'tokenizer'>, texts: readonly string[]): string[] {
  const { unknown } = tokenizer;
  if (unknown === undefined) return [];
  const token = tokenizer.textOf(unknown);
  const found = new Set<string>();
  for (const text of texts) {
    const { ids, texts: parts } = tokenizer.encode(text, { special: false });
    for (const [i, id] of ids.entries()) if (id === unknown && parts[i] !== token) found.add(parts[i].trim());
  }
  if (found.size === 0) return [];
  const shown = [...found].slice(0, most).map((word) => `“${word}”`);
  const more = found.size > most ? ` and ${found.size - most} more` : '';
  return [`the vocabulary lacks ${shown.join(', ')}${more}: the model reads ${token} there`];
}
