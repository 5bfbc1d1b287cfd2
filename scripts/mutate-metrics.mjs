/**
 * Mutation run over the metrics: each mutant is one small mistake (a flipped sign, a shifted index, a swapped axis, a
 * dropped normalisation) in a copy of the sources; the tests of src/evaluation must fail for it.
 *
 *   node scripts/mutate-metrics.mjs             all mutants; writes scripts/mutate-metrics.result.json
 *   node scripts/mutate-metrics.mjs msi road    mutants of files whose name holds one of the words; writes nothing
 *
 * `WHEREFORE_WRITE_DOCS=1 npx vitest run src/evaluation/metrics-page.test.ts` then puts the score into docs/metrics.md.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mutants } from './metric-mutants.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
const resultPath = join(root, 'scripts/mutate-metrics.result.json');

/** Tests that most likely notice, to be asked first. */
const nearest = {
  'metrics/': ['src/evaluation/metrics/known-answers.test.ts'],
  'msi.ts': ['src/evaluation/msi.test.ts'],
  'reference-test.ts': ['src/evaluation/msi.test.ts'],
  'statistics.ts': ['src/evaluation/statistics.test.ts'],
  'imputation.ts': ['src/evaluation/imputation.test.ts'],
  'randomised-model.ts': ['src/evaluation/metrics/known-answers.test.ts'],
  'compare.ts': ['src/evaluation/compare.test.ts'],
  'summarise.ts': ['src/evaluation/compare.test.ts'],
  'controls.ts': ['src/evaluation/compare.test.ts'],
  'question.ts': ['src/evaluation/metrics/known-answers.test.ts'],
};

/**
 * @param {string} folder
 * @param {readonly string[]} files
 */
function passes(folder, files) {
  return new Promise((resolve) => {
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    const child = spawn(process.execPath, [vitest, 'run', '--bail', '1', '--reporter', 'dot', ...files], { cwd: folder, stdio: 'ignore' });
    child.on('exit', (code) => resolve(code === 0));
  });
}

/** @param {string} file */
function testsFor(file) {
  const found = Object.entries(nearest).find(([name]) => file === name || (name.endsWith('/') && file.startsWith(name)));
  return found?.[1] ?? ['src/evaluation/groups.test.ts'];
}

const words = process.argv.slice(2);
const chosen = words.length ? mutants.filter(({ file }) => words.some((word) => file.includes(word))) : mutants;
const folder = mkdtempSync(join(tmpdir(), 'wherefore-mutants-'));
try {
  for (const name of ['src', 'test', 'package.json', 'tsconfig.json', 'vitest.config.ts']) {
    cpSync(join(root, name), join(folder, name), { recursive: true, filter: (path) => !path.includes('fixtures') });
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  if (!(await passes(folder, ['src/evaluation']))) throw new Error('the tests fail without a mutant: nothing to measure');
  const survivors = [];
  const kinds = new Map();
  for (const [i, { file, kind, find, replace }] of chosen.entries()) {
    const path = join(folder, 'src/evaluation', file);
    const original = readFileSync(path, 'utf8');
    const parts = original.split(find);
    if (parts.length !== 2) throw new Error(`mutant ${i + 1} of ${file}: "${find}" occurs ${parts.length - 1} times, not once`);
    writeFileSync(path, parts.join(replace));
    const survived = (await passes(folder, testsFor(file))) && (await passes(folder, ['src/evaluation']));
    writeFileSync(path, original);
    const count = kinds.get(kind) ?? { killed: 0, total: 0 };
    kinds.set(kind, { killed: count.killed + (survived ? 0 : 1), total: count.total + 1 });
    if (survived) survivors.push({ file, kind, find, replace });
    console.log(`${i + 1}/${chosen.length} ${survived ? 'SURVIVED' : 'killed  '} ${file}: ${find}  →  ${replace}`);
  }
  const killed = chosen.length - survivors.length;
  console.log(`killed ${killed} of ${chosen.length} (${((100 * killed) / chosen.length).toFixed(1)} %)`);
  if (!words.length) {
    const result = { killed, total: chosen.length, kinds: Object.fromEntries(kinds), survivors };
    writeFileSync(resultPath, `${JSON.stringify(result, undefined, 2)}\n`);
  }
  if (survivors.length) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
