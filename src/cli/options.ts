import { dirname } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { isTaken } from '../data/files/folders.ts';
import { portablePath } from '../data/files/portable-path.ts';
import type { LoadModelOptions } from '../data/model/load-model.ts';
import { mostThreads } from '../runtime/node.ts';
import { type NamedFileOptions, withNamedFiles } from './named-files.ts';

/** What {@link withModel} and {@link withRun} add to a command. */
export interface RunOptions extends RuntimeOptions, NamedFileOptions {
  readonly model: string;
  readonly out: string;
  readonly json?: boolean;
}

/** What {@link withRuntime} adds to a command. */
export interface RuntimeOptions {
  readonly threads?: number;
  readonly memory?: number;
  readonly timeLimit?: number;
}

export function withModel(command: Command): Command {
  return command.requiredOption('--model <file>', 'an .onnx file');
}

/** How inputs are made for the model. */
export function withPreprocessing(command: Command): Command {
  return command.option(
    '--preprocessing <file>',
    'a wherefore.yaml; default: the one beside the model, else guessed from the graph',
  );
}

/** How many threads the runtime may use. */
export const threadsOption = (command: Command, description: string): Command =>
  command.option('--threads <count>', description, threadCount);

/** What the runtime may use. */
export function withRuntime(command: Command): Command {
  return threadsOption(command, `threads of the runtime, at most ${mostThreads}; default all processors`)
    .option('--memory <megabytes>', 'what one run of the model may hold beside its weights', megabytes)
    .option('--time-limit <seconds>', 'what one run of the model may take; default 120, and 5 with a loop', seconds);
}

/** The options of `loadModel` for them. */
export function runtimeOf({
  threads,
  memory,
  timeLimit,
}: RuntimeOptions): Pick<LoadModelOptions, 'threads' | 'memory' | 'timeLimit'> {
  return { threads, memory: memory === undefined ? undefined : memory * 2 ** 20, timeLimit };
}

/** How inputs are made and classes called, where runs are kept, what the runtime may use, and what is printed. */
export function withRun(command: Command, out = 'where runs are kept'): Command {
  return withRuntime(
    withNamedFiles(withPreprocessing(command)).option('--out <folder>', out, '.wherefore/runs'),
  ).option('--json', 'print JSON for scripts');
}

/** The words of the command line as they were typed; a command of a command asks the outermost one. */
export function wordsOf(command: Command): readonly string[] {
  let outermost = command;
  while (outermost.parent) outermost = outermost.parent;
  return (outermost as unknown as { rawArgs?: string[] }).rawArgs ?? [];
}

/** The command as it could be typed again, in this folder. */
export function commandLine(command: Command): string {
  return ['wherefore', ...wordsOf(command).map((word) => shellWord(portableWord(word)))].join(' ');
}

/** A word of a command without the folders of this machine: what looks like an absolute path, alone or behind `=`, `:` or a comma. */
export function portableWord(word: string): string {
  return word.replace(/(^|[=:,])((?:[A-Za-z]:[\\/]|\/)[^,]*)/g, (all, before: string, path: string) => {
    const [, place, rows] = /^(.*?)(#[\d,-]+)?$/s.exec(path) as RegExpExecArray;
    // Texts may begin with a stroke as well.
    return isTaken(dirname(place)) ? `${before}${portablePath(place, process.cwd())}${rows ?? ''}` : all;
  });
}

/** A word as a shell takes it: in quotes where it holds more than plain letters. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Names separated by commas; the option may be repeated. */
export const list = (text: string, previous: readonly string[] | undefined): string[] => [
  ...(previous ?? []),
  ...text.split(',').map((part) => part.trim()),
];

/** A text that may hold commas; the option may be repeated. */
export const repeated = (text: string, previous: readonly string[] | undefined): string[] => [
  ...(previous ?? []),
  text,
];

/** A whole number from 1 to a limit. */
const wholeUpTo =
  (most: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!(Number.isInteger(value) && value >= 1 && value <= most)) {
      throw new InvalidArgumentError(`expected a whole number from 1 to ${most}.`);
    }
    return value;
  };

/** A number within bounds, in a unit. */
const between =
  (least: number, most: number, unit: string) =>
  (text: string): number => {
    const value = Number(text);
    if (!(value >= least && value <= most)) {
      throw new InvalidArgumentError(`expected ${unit} from ${least} to ${most}.`);
    }
    return value;
  };

/** What `--redact` says of itself. */
export const redactHelp =
  'names and shows no training row: sums and counts over groups of at least five rows alone, by class and by columns of --metadata';

/** What is counted: inputs, epochs, channels. */
export const wholeNumber = wholeUpTo(1e6);
const threadCount = wholeUpTo(mostThreads);
export const share = between(1e-12, 1e6, 'a number');
const megabytes = between(1, 2 ** 24, 'megabytes');
const seconds = between(0.1, 1e6, 'seconds');
