import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Seconds for a run of some test files, and for each of them more. */
const patience = { start: 120, each: 60 };

/**
 * What a run found: files with a failed test, those of them where a value was another one than expected, and whether the
 * run did not end.
 * @typedef {{ failed: readonly string[], wrong: readonly string[], isLate: boolean }} Found
 */

/** Runs test files of a folder, in a process that stays until one of them does not end. @param {string} folder */
export function testRunner(folder) {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  let worker;
  const stop = () => {
    if (worker?.pid) {
      try {
        process.kill(-worker.pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
    worker = undefined;
  };
  const start = async () => {
    const path = fileURLToPath(new URL('worker.mjs', import.meta.url));
    worker = fork(path, [folder], { stdio: 'ignore', detached: true });
    await new Promise((resolve) => worker?.once('message', resolve));
    return worker;
  };
  /**
   * @param {readonly string[]} tests
   * @param {string} changed the file that is not what it was
   * @returns {Promise<Found>}
   */
  const run = async (tests, changed) => {
    const child = worker ?? (await start());
    return new Promise((resolve) => {
      /** @param {Found} found */
      const end = (found) => {
        clearTimeout(timer);
        child.removeAllListeners();
        resolve(found);
      };
      const late = () => {
        stop();
        end({ failed: [], wrong: [], isLate: true });
      };
      const timer = setTimeout(late, (patience.start + tests.length * patience.each) * 1000);
      child.once('message', (/** @type {Omit<Found, 'isLate'>} */ found) => end({ ...found, isLate: false }));
      child.once('exit', late);
      child.send({ tests, changed });
    });
  };
  return { run, stop };
}
