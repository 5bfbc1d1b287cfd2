import { runInNewContext } from 'node:vm';

/**
 * Does work that ends at once or never, such as matching a pattern that a file brings.
 * @returns its value; undefined where it was stopped after so many milliseconds
 */
export type WithinTime = <T>(work: () => T, milliseconds: number) => { readonly value: T } | undefined;

/** In Node, where a context of its own can be stopped from outside. */
export const withinTime: WithinTime = <T>(work: () => T, milliseconds: number) => {
  try {
    return { value: runInNewContext('work()', { work }, { timeout: milliseconds, breakOnSigint: false }) as T };
  } catch (error) {
    if ((error as { code?: unknown } | undefined)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return undefined;
    throw error;
  }
};
