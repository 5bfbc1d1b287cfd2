import { WhereforeError } from '../errors.ts';
import { shellWord } from './options.ts';
import { output } from './train-command.ts';

/**
 * Runs a command of the user in a shell, with `{name}` replaced by paths or numbers, each as one word.
 * @throws WhereforeError `invalid-argument` for a placeholder that is not known; `runtime` where it fails; `cancelled`
 */
export async function runOutside(
  command: string,
  values: Readonly<Record<string, string | number>>,
  signal: AbortSignal,
): Promise<void> {
  await output(filled(command, values), signal);
}

/** @throws WhereforeError `invalid-argument` */
export function filled(command: string, values: Readonly<Record<string, string | number>>): string {
  return command.replace(/\{(\w+)\}/g, (all, name: string) => {
    if (Object.hasOwn(values, name)) return shellWord(String(values[name]));
    throw new WhereforeError('invalid-argument', `the command names "${all}"`, {
      where: command,
      expected: Object.keys(values)
        .map((known) => `{${known}}`)
        .join(', '),
    });
  });
}
