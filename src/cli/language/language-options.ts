import { type Command, InvalidArgumentError } from 'commander';
import { isFile } from '../../data/files/folders.ts';
import { readText } from '../../data/files/read-file.ts';
import { WhereforeError } from '../../errors.ts';
import { type LanguageModel, openLanguageModel } from '../../language/model/language-model.ts';
import { masksAmong } from '../../language/model/masks.ts';
import { unknownNote } from '../../language/text/unknown-words.ts';
import { launchAhead } from '../../runtime/ort-process.ts';
import { type RuntimeOptions, runtimeOf, withRuntime } from '../options.ts';
import { tell } from '../terminal.ts';

/** What {@link withLanguageModel} adds to a command. */
export interface LanguageOptions extends RuntimeOptions {
  readonly file?: string;
  readonly tokenizer?: string;
  readonly prompt?: string;
  readonly promptFile?: string;
}

/** The folder of a language model and what it is asked. */
export function withLanguageModel(command: Command): Command {
  return withRuntime(
    command
      .argument('<model>', 'a folder with model.onnx (or onnx/model.onnx) and tokenizer.json')
      .option('--file <name>', 'the model file, where the folder holds several')
      .option('--tokenizer <file>', 'its tokenizer.json; default: the one in the folder')
      .option('--prompt <text>', 'the text to go on from; may be empty where the tokenizer begins texts with a token')
      .option('--prompt-file <path>', 'a file with that text'),
  );
}

/** Opens the model, tells what a reader should know, and closes it behind the work. */
export async function withOpenModel<T>(
  path: string,
  options: LanguageOptions,
  work: (language: LanguageModel) => Promise<T>,
): Promise<T> {
  launchAhead();
  const language = await openLanguageModel(path, {
    file: options.file,
    tokenizer: options.tokenizer,
    ...runtimeOf(options),
  });
  try {
    for (const note of language.notes) tell(`note: ${note}`);
    return await work(language);
  } finally {
    await language.close();
  }
}

/** Tells which words the model cannot tell apart, since its vocabulary lacks them. */
export function tellUnknown(language: LanguageModel, ...texts: readonly (string | undefined)[]): void {
  for (const note of unknownNote(
    language,
    texts.filter((text) => text !== undefined),
  ))
    tell(`note: ${note}`);
}

/** Ends and beginnings of words where spaces part words. */
const [endsInWord, beginsInWord] = [
  /[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{Nd}]$/u,
  /^[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{Nd}]/u,
];

/** Tells of answers that go on with the last word of the prompt, which is seldom meant. */
export function tellJoined(language: LanguageModel, prompt: string, ...answers: readonly (string | undefined)[]): void {
  if (language.decoder || !endsInWord.test(prompt)) return;
  if (masksAmong(language, language.tokenizer.encode(prompt).ids).length > 0) return;
  for (const answer of answers)
    if (answer !== undefined && beginsInWord.test(answer))
      tell(`note: “${answer}” goes on with the last word of the prompt; as a word of its own it is " ${answer}"`);
}

/** The prompt of a command. @throws WhereforeError `invalid-argument` for none, or two */
export async function promptOf({ prompt, promptFile }: LanguageOptions): Promise<string> {
  if ((prompt === undefined) === (promptFile === undefined)) {
    throw new WhereforeError(
      'invalid-argument',
      prompt === undefined ? 'no prompt is given' : 'two prompts are given',
      {
        fix: `${prompt === undefined ? 'add' : 'keep one of'} --prompt "…" or --prompt-file prompt.txt`,
      },
    );
  }
  if (prompt !== undefined) return prompt;
  const path = promptFile as string;
  if (!(await isFile(path))) {
    throw new WhereforeError('file-not-found', 'there is no such file', { where: path, fix: 'check the path' });
  }
  return (await readText(path, 'text')).replace(/\r\n/g, '\n').replace(/\n$/, '');
}

/** A number of an option; its bounds are checked where it is used. */
export const numberOption = (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('expected a number.');
  return value;
};

/** Words and what could stand in their places, written `word=other`. @throws WhereforeError `invalid-argument` */
export function wordPairs(pairs: readonly string[], option: string): Map<string, string> {
  return new Map(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at > 0 && at < pair.length - 1) return [pair.slice(0, at), pair.slice(at + 1)];
      throw new WhereforeError('invalid-argument', option, {
        got: pair,
        expected: 'a word of the prompt and what could stand there',
        fix: 'write it as word=other',
      });
    }),
  );
}
