import { WhereforeError } from '../../errors.ts';
import type { Prompt } from '../text-model.ts';
import type { LanguageModel } from './language-model.ts';

/**
 * The tokens of a prompt. A text gets the special tokens that the tokenizer puts before texts; one that would end it is
 * left out, since it is to go on (not of what an encoder reads). A conversation is written by the model's chat template, which holds them itself.
 * @throws WhereforeError `out-of-range` for more tokens than the model takes; `invalid-argument` where nothing is left to go on from; `unsupported-model` for a conversation
 *   with a model that has no chat template
 */
export function promptIds(
  { tokenizer, ends, name, chatTemplate, decoder, longest }: LanguageModel,
  prompt: Prompt,
): number[] {
  if (typeof prompt !== 'string') {
    if (chatTemplate) return [...tokenizer.encode(chatTemplate(prompt), { special: false }).ids];
    throw new WhereforeError('unsupported-model', 'the model has no chat template', {
      where: name,
      expected: 'chat_template in its tokenizer_config.json',
      fix: 'give the prompt as a text',
    });
  }
  const { ids, special, spans } = tokenizer.encode(prompt);
  let count = ids.length;
  // What an encoder reads ends as it was trained to.
  while (!decoder && count > 0 && special[count - 1] && spans[count - 1] === undefined && ends.has(ids[count - 1]))
    count--;
  if (count === 0) {
    throw new WhereforeError('invalid-argument', 'the prompt is empty, and the tokenizer begins texts with no token', {
      where: name,
      fix: 'give at least one word',
    });
  }
  if (longest !== undefined && count > longest) throw tooLong(name, count, longest);
  return ids.slice(0, count);
}

/** The error of a text of more tokens than the model takes. */
export const tooLong = (name: string, count: number, longest: number, of = ''): WhereforeError =>
  new WhereforeError('out-of-range', 'the text is longer than the model takes', {
    where: name,
    got: `${count} tokens${of}`,
    expected: `at most ${longest}`,
    fix: of === '' ? 'shorten the text' : 'shorten the prompt, or ask for fewer tokens (--max-tokens)',
  });
