/**
 * Mutation run over the metrics: each mutant is one small mistake (a flipped sign, a shifted index, a swapped axis, a
 * dropped normalisation) in a copy of the sources; the tests of src/evaluation must fail for it.
 *
 *   node scripts/mutate-metrics.mjs             all mutants; writes scripts/mutate-metrics.result.json
 *   node scripts/mutate-metrics.mjs --open      those that survived or are new since the last run; updates the result
 *   node scripts/mutate-metrics.mjs msi road    mutants of files whose name holds one of the words; writes nothing
 *
 * `WHEREFORE_WRITE_DOCS=1 npx vitest run src/evaluation/metrics/page.test.ts` then puts the score into docs/metrics.md.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mutants } from './metric-mutants.mjs';
import { detector } from './mutate/detector.mjs';
import { testRunner } from './mutate/vitest.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
const resultPath = join(root, 'scripts/mutate-metrics.result.json');

/** Tests that most likely notice, to be asked first. */
const nearest = {
  'metrics/': ['src/evaluation/metrics'],
  'msi.ts': ['src/evaluation/msi.test.ts'],
  'reference-test.ts': ['src/evaluation/msi.test.ts'],
  '../tensor/correlation.ts': ['src/evaluation/statistics.test.ts'],
  '../attribution/batches.ts': ['src/attribution/batches.test.ts', 'src/evaluation/groups.test.ts'],
  '../attribution/masking/': [
    'src/evaluation/groups.test.ts',
    'src/attribution/masking',
    'src/attribution/batches.test.ts',
  ],
  'at-once.ts': ['src/evaluation/at-once.test.ts'],
  'statistics.ts': ['src/evaluation/statistics.test.ts'],
  'imputation.ts': ['src/evaluation/imputation.test.ts'],
  'randomised-model.ts': ['src/evaluation/metrics/randomisation.test.ts'],
  'gather.ts': ['src/evaluation/gather.test.ts'],
  'compare.ts': ['src/evaluation/compare.test.ts'],
  'summarise.ts': ['src/evaluation/summarise.test.ts'],
  'verdicts.ts': ['src/evaluation/summarise.test.ts'],
  'quality.ts': ['src/evaluation/summarise.test.ts'],
  'answer.ts': ['src/evaluation/summarise.test.ts'],
  'controls.ts': ['src/evaluation/controls.test.ts', 'src/evaluation/compare.test.ts'],
  'question.ts': ['src/evaluation/direction.test.ts', 'src/evaluation/metrics/faithfulness.test.ts'],
};

/** Test files below a folder, or the file itself. @param {string} path */
function testFiles(path) {
  if (path.endsWith('.ts')) return [path];
  const names = readdirSync(join(root, path), { recursive: true, encoding: 'utf8' }).sort();
  // The page is compared with a run of the metrics; it says nothing of its own.
  return names
    .filter((name) => /\.test\.ts$/.test(name) && !/page\.test\.ts$/.test(name))
    .map((name) => join(path, name));
}

/** @param {string} file */
function testsFor(file) {
  const found = Object.entries(nearest).find(
    ([name]) => file === name || (name.endsWith('/') && file.startsWith(name)),
  );
  return found?.[1] ?? ['src/evaluation/groups.test.ts'];
}

/** @param {import('./metric-mutants.mjs').Mutant} mutant */
const idOf = ({ file, find, replace }) => `${file}: ${find} → ${replace}`;

const onlyOpen = process.argv.includes('--open');
const words = process.argv.slice(2).filter((word) => word !== '--open');
/** @type {Record<string, boolean>} */
const known = onlyOpen ? JSON.parse(readFileSync(resultPath, 'utf8')).mutants : {};
const wanted = words.length ? mutants.filter(({ file }) => words.some((word) => file.includes(word))) : mutants;
const chosen = wanted.filter((mutant) => !known[idOf(mutant)]);
const folder = mkdtempSync(join(tmpdir(), 'wherefore-mutants-'));
const runner = testRunner(folder);
try {
  for (const name of ['src', 'test', 'package.json', 'tsconfig.json', 'vitest.config.ts']) {
    cpSync(join(root, name), join(folder, name), { recursive: true, filter: (path) => !path.includes('fixtures') });
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const noticedBy = detector(runner);
  /** @type {Map<string, boolean>} */
  const killed = new Map();
  for (const [i, mutant] of chosen.entries()) {
    const { file, find, replace } = mutant;
    const path = join(folder, 'src/evaluation', file);
    const original = readFileSync(path, 'utf8');
    const parts = original.split(find);
    if (parts.length !== 2)
      throw new Error(`mutant ${i + 1} of ${file}: "${find}" occurs ${parts.length - 1} times, not once`);
    const restore = () => writeFileSync(path, original);
    const damage = () => writeFileSync(path, parts.join(replace));
    const mutation = { file: join('src/evaluation', file), restore, damage };
    const near = testsFor(file).flatMap(testFiles);
    const others = testFiles('src/evaluation').filter((test) => !near.includes(test));
    damage();
    const found = (await noticedBy(mutation, near)) ?? (await noticedBy(mutation, others));
    restore();
    killed.set(idOf(mutant), found !== undefined);
    console.log(
      `${i + 1}/${chosen.length} ${found ? `killed   ${idOf(mutant)} (${found})` : `SURVIVED ${idOf(mutant)}`}`,
    );
  }
  const all = new Map(wanted.map((mutant) => [idOf(mutant), killed.get(idOf(mutant)) ?? known[idOf(mutant)]]));
  const count = [...all.values()].filter(Boolean).length;
  console.log(`killed ${count} of ${all.size} (${((100 * count) / all.size).toFixed(1)} %)`);
  if (!words.length) {
    const result = { killed: count, total: all.size, mutants: Object.fromEntries(all) };
    writeFileSync(resultPath, `${JSON.stringify(result, undefined, 2)}\n`);
  }
  if (count < all.size) process.exitCode = 1;
} finally {
  runner.stop();
  rmSync(folder, { recursive: true, force: true });
}
