import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Seconds for a run of some test files, and for each of them more. */
const patience = { start: 120, each: 60 };

/**
 * Runs test files in a folder.
 * @param {string} folder @param {readonly string[]} tests
 * @param {{ all?: boolean }} [options] all: goes on after the first that fails
 * @returns {Promise<{ failed: string[], isLate: boolean }>} files with a failed test, and whether it did not end
 */
export function runTests(folder, tests, { all = false } = {}) {
  return new Promise((resolve) => {
    const report = join(folder, 'vitest-report.json');
    rmSync(report, { force: true });
    const vitest = join(folder, 'node_modules/vitest/vitest.mjs');
    const words = ['run', ...tests, '--reporter', 'json', '--outputFile', report, ...(all ? [] : ['--bail', '1'])];
    const child = spawn(process.execPath, [vitest, ...words], { cwd: folder, stdio: 'ignore', detached: true });
    let isLate = false;
    const timer = setTimeout(
      () => {
        isLate = true;
        process.kill(-(child.pid ?? 0), 'SIGKILL');
      },
      (patience.start + tests.length * patience.each) * 1000,
    );
    child.on('exit', (code) => {
      clearTimeout(timer);
      if (code === 0) return resolve({ failed: [], isLate: false });
      if (!existsSync(report)) return resolve({ failed: [], isLate: true });
      /** @type {{ testResults: { name: string, status: string }[] }} */
      const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
      const failed = testResults.filter(({ status }) => status === 'failed').map(({ name }) => relative(folder, name));
      resolve({ failed, isLate: isLate || failed.length === 0 });
    });
  });
}
