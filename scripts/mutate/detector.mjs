/** @typedef {{ restore: () => void, damage: () => void, file: string }} Mutation a file, and how it is damaged and mended */

/**
 * Tells which tests notice a mutation: those that fail with it and pass without it.
 * @param {ReturnType<typeof import('./vitest.mjs').testRunner>} runner
 */
export function detector(runner) {
  /** Test files that pass without a mutant. @type {Map<string, boolean>} */
  const sound = new Map();
  /** Tests that start processes may fail for want of time in many ways; of the others a wrong value says enough. */
  const startsProcesses = (/** @type {string} */ test) => /^(src\/(cli|run)|test|examples)\//.test(test);
  /**
   * @param {Mutation} mutation in force when this is called, and afterwards @param {readonly string[]} tests
   * @returns {Promise<string | undefined>} what noticed it
   */
  return async ({ file, restore, damage }, tests) => {
    let asked = [...tests];
    while (asked.length > 0) {
      const { failed, wrong, isLate } = await runner.run(asked, file);
      if (failed.length === 0 && !isLate) return undefined;
      const clear = wrong.filter((test) => !startsProcesses(test));
      if (clear.length > 0) return clear.join(', ');
      const suspects = isLate ? asked : failed;
      restore();
      for (const test of suspects.filter((one) => !sound.has(one))) {
        const alone = await runner.run([test], file);
        sound.set(test, !alone.isLate && alone.failed.length === 0);
      }
      damage();
      const passing = suspects.filter((test) => sound.get(test));
      if (passing.length > 0) return isLate ? 'a test that does not end' : passing.join(', ');
      asked = asked.filter((test) => sound.get(test) !== false);
    }
    return undefined;
  };
}
