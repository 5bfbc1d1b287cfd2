import { WhereforeError } from '../../errors.ts';
import type { LanguageModel } from './language-model.ts';

/**
 * The tokens of a prompt, with the special tokens that the tokenizer puts before a text; one that would end the text is
 * left out, since it is to go on.
 * @throws WhereforeError `invalid-argument` where nothing is left to go on from
 */
export function promptIds({ tokenizer, ends, name }: LanguageModel, prompt: string): number[] {
  const { ids, special, spans } = tokenizer.encode(prompt);
  let count = ids.length;
  while (count > 0 && special[count - 1] && spans[count - 1] === undefined && ends.has(ids[count - 1])) count--;
  if (count === 0) {
    throw new WhereforeError('invalid-argument', 'the prompt is empty, and the tokenizer begins texts with no token', {
      where: name,
      fix: 'give at least one word',
    });
  }
  return ids.slice(0, count);
}
