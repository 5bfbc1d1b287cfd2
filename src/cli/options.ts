import { type Command, InvalidArgumentError } from 'commander';

/** What {@link withModel} and {@link withRun} add to a command. */
export interface RunOptions {
  readonly model: string;
  readonly preprocessing?: string;
  readonly out: string;
  readonly threads?: number;
  readonly memory?: number;
  readonly json?: boolean;
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

export function withThreads(command: Command): Command {
  return command.option('--threads <count>', 'threads of the runtime; default all processors', wholeNumber);
}

/** How inputs are made, where runs are kept, what the runtime may use, and what is printed. */
export function withRun(command: Command, out = 'where runs are kept'): Command {
  return withThreads(withPreprocessing(command).option('--out <folder>', out, '.wherefore/runs'))
    .option('--memory <megabytes>', 'what one run of the model may hold beside its weights', positive)
    .option('--json', 'print JSON for scripts');
}

/** The command as it could be typed again. */
export function commandLine(command: Command): string {
  const words = (command.parent as unknown as { rawArgs?: string[] })?.rawArgs ?? [];
  return ['wherefore', ...words.map(shellWord)].join(' ');
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

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!(Number.isInteger(value) && value > 0)) throw new InvalidArgumentError('expected a whole number from 1 up.');
  return value;
}

export function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('expected a positive number.');
  return value;
}
