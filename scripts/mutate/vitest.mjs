import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Seconds for a run of some test files, and for each of them more. */
const patience = { start: 120, each: 60 };

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
   * @returns {Promise<{ failed: readonly string[], isLate: boolean }>} files with a failed test; whether they did not end
   */
  const run = async (tests, changed) => {
    const child = worker ?? (await start());
    return new Promise((resolve) => {
      /** @param {{ failed: readonly string[], isLate: boolean }} found */
      const end = (found) => {
        clearTimeout(timer);
        child.removeAllListeners();
        resolve(found);
      };
      const late = () => {
        stop();
        end({ failed: [], isLate: true });
      };
      const timer = setTimeout(late, (patience.start + tests.length * patience.each) * 1000);
      child.once('message', (/** @type {{ failed: string[] }} */ { failed }) => end({ failed, isLate: false }));
      child.once('exit', late);
      child.send({ tests, changed });
    });
  };
  return { run, stop };
}
