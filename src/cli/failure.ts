import { type ErrorCode, WhereforeError } from '../errors.ts';
import { onStop } from './stop.ts';
import { tell, visibleMessage } from './terminal.ts';

/** Exit codes: 1 for a mistake that the user can fix, and for work that was stopped; 2 for a mistake of ours. */
const userMistake = 1;
const ourMistake = 2;

/** What usually helps, for an error that does not say it itself. */
const defaultFixes: Readonly<Partial<Record<ErrorCode, string>>> = {
  'wrong-shape': 'give a tensor of the expected shape; wherefore inspect shows what the model takes',
  'wrong-type': 'give a tensor of the expected element type; wherefore inspect shows what the model takes',
  'unknown-name': 'use one of the expected names; wherefore inspect lists them',
  'out-of-range': 'choose one of the expected values',
  'invalid-argument': 'write it as expected; --help shows every option',
  'unsupported-operator': 'export the model with standard operators',
  'not-differentiable': 'use a method that needs outputs only: --method occlusion',
  runtime: 'check the model with: wherefore inspect MODEL; export it again, perhaps with another opset',
  cancelled: 'run it again when you have the time',
};

const defaultFix = (code: ErrorCode): string => defaultFixes[code] ?? 'fix the file and try again';

/**
 * Prints an error as one message and returns the exit code. A stack appears with `--debug` only; an unexpected error
 * says how to report it.
 */
export function reportFailure(error: unknown, debug: boolean): number {
  const known = error instanceof WhereforeError && error.code !== 'internal';
  const message = error instanceof Error ? error.message : String(error);
  const text = visibleMessage(message);
  if (known) tell(`error: ${text}${error.details.fix ? '' : `. Fix: ${defaultFix(error.code)}.`}`);
  else {
    tell(`error: something in wherefore went wrong: ${text}`);
    tell('Please report it with the command and, if you can, the model; --debug shows where.');
  }
  if (debug && error instanceof Error) tell(error.stack ?? '');
  return known ? userMistake : ourMistake;
}

/**
 * Runs a command so that a signal stops it: the run of the model in progress ends, whatever it was writing is removed,
 * nothing half-written stays.
 * @param message what the stop leaves behind
 * @throws WhereforeError `cancelled` when it was stopped, whatever error the stop led to
 */
export async function interruptible<T>(
  work: (signal: AbortSignal) => Promise<T>,
  message = 'stopped; nothing was written',
): Promise<T> {
  const controller = new AbortController();
  const release = onStop(() => {
    tell('\nstopping (Ctrl-C again to end at once)');
    controller.abort();
  });
  try {
    return await work(controller.signal);
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    throw new WhereforeError('cancelled', message, { cause: error });
  } finally {
    release();
  }
}
