import { WhereforeError } from '../../errors.ts';
import { wholeWord } from './whole-word.ts';

/** A text with words exchanged wherever they stand. @throws WhereforeError `unknown-name` for one that is not there */
export function exchangedWords(prompt: string, words: ReadonlyMap<string, string>): string {
  let text = prompt;
  for (const [word, other] of words) {
    const changed = text.replace(wholeWord(word), () => other);
    if (changed === text) {
      throw new WhereforeError('unknown-name', 'the prompt has no such word', {
        got: `“${word}”`,
        fix: 'write it as it stands there, without the space before it',
      });
    }
    text = changed;
  }
  return text;
}
