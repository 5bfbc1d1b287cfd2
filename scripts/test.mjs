// `npm test`: installs what is missing, then checks the types beside the tests. Words that are given go to vitest.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { installDependencies, requireNode, root } from './workspace.mjs';

requireNode();
installDependencies();

/**
 * Runs a script of a dependency; what it writes is returned where it does not write here itself.
 * @param {string} script
 * @param {readonly string[]} words
 * @param {'pipe' | 'inherit'} stdio
 * @returns {Promise<{ code: number, output: string }>}
 */
function run(script, words, stdio) {
  const child = spawn(process.execPath, [join(root, 'node_modules', script), ...words], {
    stdio: ['inherit', stdio, stdio],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (output += text));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code: code ?? 1, output })));
}

const [types, tests] = await Promise.all([
  run('typescript/bin/tsc', ['--pretty'], 'pipe'),
  run('vitest/vitest.mjs', ['run', ...process.argv.slice(2)], 'inherit'),
]);
if (types.code !== 0) console.error(`${types.output}\nThe types do not fit.`);
process.exitCode = types.code || tests.code;
