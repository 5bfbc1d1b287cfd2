import { type Context, createContext, Script } from 'node:vm';

/**
 * Does work that ends at once or never, such as matching a pattern that a file brings.
 * @returns its value; undefined where it was stopped after so many milliseconds
 */
export type WithinTime = <T>(work: () => T, milliseconds: number) => { readonly value: T } | undefined;

/** A context of its own, which can be stopped from outside. It takes milliseconds to make, and is asked for each token. */
let stoppable: { readonly context: Context; readonly script: Script } | undefined;

/** In Node. */
export const withinTime: WithinTime = <T>(work: () => T, milliseconds: number) => {
  stoppable ??= { context: createContext({}), script: new Script('work()') };
  const { context, script } = stoppable;
  context.work = work;
  try {
    return { value: script.runInContext(context, { timeout: milliseconds, breakOnSigint: false }) as T };
  } catch (error) {
    if ((error as { code?: unknown } | undefined)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return undefined;
    throw error;
  } finally {
    context.work = undefined;
  }
};
