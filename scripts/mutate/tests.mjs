import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';

/** Folders with sources and tests. */
const folders = ['src', 'test', 'examples'];

/** Files that each file imports, and the worker scripts that it names. @type {Map<string, string[]> | undefined} */
let imports;

/** @param {string} root */
function importsOf(root) {
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  );
  /** @type {Map<string, string[]>} */
  const found = new Map();
  for (const file of files.filter((name) => /\.(ts|js)$/.test(name))) {
    const text = readFileSync(join(root, file), 'utf8');
    const named = [...text.matchAll(/'(\.{1,2}\/[^']+\.(?:ts|js))'/g)].map(([, path]) =>
      normalize(join(dirname(file), path)),
    );
    // Tests that start the command have it run by its path.
    if (/\.test\.ts$/.test(file) && /cli\/main/.test(text)) named.push('src/cli/main.ts');
    found.set(
      file,
      named.filter((path) => existsSync(join(root, path))),
    );
  }
  return found;
}

/**
 * Test files that import a file, directly or through others, the most direct first.
 * @param {string} root @param {string} file
 * @returns {string[]}
 */
export function testsByDistance(root, file) {
  imports ??= importsOf(root);
  const distances = new Map([[file, 0]]);
  const queue = [file];
  for (const reached of queue) {
    for (const [by, named] of imports) {
      if (distances.has(by) || !named.includes(reached)) continue;
      distances.set(by, (distances.get(reached) ?? 0) + 1);
      queue.push(by);
    }
  }
  const own = file.replace(/\.(ts|js)$/, '.test.ts');
  const tests = queue.filter((name) => /\.test\.ts$/.test(name) && !name.endsWith('architecture.test.ts'));
  // Tests beside the sources notice most; those of the whole (documentation, examples) reach everything by few steps. Of
  // those that are equally far, as all that run the command, the ones that are called alike come first.
  const words = wordsOf(file);
  const rank = (/** @type {string} */ test) =>
    test === own
      ? 0
      : (distances.get(test) ?? 0) +
        (dirname(test) === dirname(file) ? 0 : test.startsWith('src/') ? 0.5 : 20) -
        (wordsOf(basename(test)).some((word) => words.includes(word)) ? 0.25 : 0);
  return tests.sort((a, b) => rank(a) - rank(b));
}

/** @param {string} path */
const wordsOf = (path) =>
  path.split(/[^a-z]+/).filter((word) => !['src', 'test', 'ts', 'js', 'cli', ''].includes(word));
