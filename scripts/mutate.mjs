/**
 * Random mutation over all folders: small mistakes (a turned comparison, + for −, a number moved by one, a condition that is
 * always true, …) at random positions of src, one at a time, in a copy of the sources; folders take turns. First the tests are
 * asked that import the changed file most directly, then all others that reach it. What survives is a hole in the tests, or
 * does the same thing by other means: someone has to look, and puts the second kind into scripts/mutate.judged.json.
 *
 *   node scripts/mutate.mjs [--count 60] [--seed 1] [--reach 12] [--state mutants.json] [folder …]    e.g. --count 20 train onnx
 *
 * It prints one line a mutant; with --state a run that was stopped goes on, and asks once more for what survived.
 * --reach 12 asks no more than the twelve nearest test files. docs/reliability.md tells the last score.
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import ts from 'typescript';
import { chances } from './fuzz/random.mjs';
import { changesOf } from './mutate/changes.mjs';
import { detector } from './mutate/detector.mjs';
import { testsByDistance } from './mutate/tests.mjs';
import { testRunner } from './mutate/vitest.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
/** Rounds in which the tests are asked, by how directly they import the changed file: most mistakes fail the first one. */
const rounds = [0, 1, 4];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    state: { type: 'string' },
    reach: { type: 'string', default: 'Infinity' },
  },
});
const count = Number(values.count);
const { draw } = chances(Number(values.seed));

/** Source files without tests and types. @param {string} folder @returns {string[]} */
function sourcesIn(folder) {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|js)$/.test(name) && !/\.test\.ts$|\.d\.ts$/.test(name))
    .map((name) => join(folder, name))
    .sort();
}

/** A small mistake at a place. @typedef {{ file: string, change: import('./mutate/changes.mjs').Change }} Mutant */

/** The mutants of a folder in a random order. @param {string} folder @returns {Mutant[]} */
function mutantsIn(folder) {
  const mutants = sourcesIn(folder).flatMap((file) => {
    const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.ES2022, true);
    return changesOf(source).map((change) => ({ file, change }));
  });
  for (let i = mutants.length - 1; i > 0; i--) {
    const j = Math.floor(draw() * (i + 1));
    [mutants[i], mutants[j]] = [mutants[j], mutants[i]];
  }
  return mutants;
}

/** As many mutants as asked for, from every folder in turn. @returns {Mutant[]} */
function sample() {
  const top = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const folders = positionals.length ? positionals : top.map(({ name }) => name);
  const lists = folders.map((name) => mutantsIn(join('src', name)));
  const longest = Math.max(...lists.map((list) => list.length));
  const inTurn = Array.from({ length: longest }, (_, i) => lists.flatMap((list) => list.slice(i, i + 1)));
  return inTurn.flat().slice(0, count);
}

/** What names a mutant, whatever line it moves to: its file, the text of its line, and the change. @param {Mutant} mutant */
function idOf({ file, change: { start, end, text } }) {
  const original = readFileSync(join(root, file), 'utf8');
  const [from, to] = [original.lastIndexOf('\n', start) + 1, original.indexOf('\n', end)];
  const short = (/** @type {string} */ part) => part.replace(/\s+/g, ' ').trim().slice(0, 100);
  return `${file} | ${short(original.slice(from, to))} | ${short(original.slice(start, end))} → ${short(text)}`;
}

/** @returns {string} a folder with a copy of what git knows, beside the shared data where there is some */
function copyOfSources() {
  const around = mkdtempSync(join(tmpdir(), 'wherefore-mutants-'));
  const copy = join(around, 'copy');
  const files = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0').filter(Boolean);
  mkdirSync(copy);
  for (const name of files) if (existsSync(join(root, name))) cpSync(join(root, name), join(copy, name));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  if (existsSync(join(root, '../shared'))) symlinkSync(join(root, '../shared'), join(around, 'shared'));
  return copy;
}

/** @type {Record<string, string>} what was found of each mutant: the test that noticed it, or "" */
const results = values.state && existsSync(values.state) ? JSON.parse(readFileSync(values.state, 'utf8')) : {};
/** @type {Record<string, string>} */
const judged = JSON.parse(readFileSync(join(root, 'scripts/mutate.judged.json'), 'utf8'));
const copy = copyOfSources();
const runner = testRunner(copy);
const noticedBy = detector(runner);
const mutants = sample();
let [killed, same] = [0, 0];
try {
  for (const [i, mutant] of mutants.entries()) {
    const id = idOf(mutant);
    if (!results[id] && !judged[id]) {
      const path = join(copy, mutant.file);
      const original = readFileSync(path, 'utf8');
      const restore = () => writeFileSync(path, original);
      const { start, end, text } = mutant.change;
      const damage = () => writeFileSync(path, original.slice(0, start) + text + original.slice(end));
      const mutation = { file: mutant.file, restore, damage };
      const tests = testsByDistance(copy, mutant.file);
      damage();
      results[id] = '';
      for (const [r, from] of rounds.entries()) {
        const end = Math.min(Number(values.reach), rounds[r + 1] ?? tests.length);
        results[id] ||= (await noticedBy(mutation, tests.slice(from, end))) ?? '';
      }
      restore();
      if (values.state) writeFileSync(values.state, JSON.stringify(results, undefined, 1));
    }
    if (results[id]) killed++;
    else if (judged[id]) same++;
    const found = results[id] ? 'killed  ' : judged[id] ? 'the same' : 'SURVIVED';
    console.log(`${i + 1}/${mutants.length} ${found} ${id}${results[id] ? ` (${results[id]})` : ''}`);
  }
  const meaningful = mutants.length - same;
  console.log(
    `killed ${killed} of ${meaningful} (${((100 * killed) / Math.max(1, meaningful)).toFixed(0)} %); ${same} change nothing that counts`,
  );
} finally {
  runner.stop();
  rmSync(dirname(copy), { recursive: true, force: true });
}
