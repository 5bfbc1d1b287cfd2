import { type Command, InvalidArgumentError } from 'commander';

/** Options that several commands share, and readers of option values, for commander. */

/** What {@link withModel} and {@link withRun} add. */
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

/** How pictures become inputs, where runs are kept, what the runtime may use, and what is printed. */
export function withRun(command: Command, out = 'where runs are kept'): Command {
  return command
    .option(
      '--preprocessing <file>',
      'a wherefore.yaml; default: the one beside the model, else guessed from the graph',
    )
    .option('--out <folder>', out, '.wherefore/runs')
    .option('--threads <count>', 'threads of the runtime; default all processors', wholeNumber)
    .option('--memory <megabytes>', 'what one run of the model may hold beside its weights', positive)
    .option('--json', 'print JSON for scripts');
}

/** The command as it could be typed again. */
export function commandLine(command: Command): string {
  const words = (command.parent as unknown as { rawArgs?: string[] })?.rawArgs ?? [];
  return [
    'wherefore',
    ...words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)),
  ].join(' ');
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
