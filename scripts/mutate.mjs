/**
 * Random mutation over all folders: small mistakes (a turned comparison, + for −, a number moved by one, a condition that is
 * always true, …) at random places of src, one at a time, in a copy of the sources. The tests that load the changed file
 * must fail. What survives is a hole in the tests, or does the same thing by other means: someone has to look.
 *
 *   node scripts/mutate.mjs [--count 100] [--seed 1] [folder …]     e.g. node scripts/mutate.mjs --count 20 train onnx
 *
 * It prints one line a mutant and writes nothing; docs/reliability.md tells the last score.
 */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import ts from 'typescript';

const root = fileURLToPath(new URL('../', import.meta.url));
/** Seconds after which a mutant counts as noticed: it made something run for ever. */
const patience = 300;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { count: { type: 'string', default: '100' }, seed: { type: 'string', default: '1' } },
});
const count = Number(values.count);
let state = Number(values.seed) >>> 0 || 1;
/** A whole number below `limit`. @param {number} limit */
function draw(limit) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
}

/** What may stand for an operator by mistake. @type {Readonly<Record<string, string>>} */
const turned = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '===': '!==',
  '!==': '===',
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
  '%': '*',
  '&&': '||',
  '||': '&&',
  '??': '&&',
};

/** @typedef {{ start: number, end: number, text: string }} Change */

/** Every small mistake that one place allows. @param {ts.SourceFile} source @returns {Change[]} */
function changesOf(source) {
  /** @type {Change[]} */
  const changes = [];
  const add = (/** @type {ts.Node} */ node, /** @type {string} */ text) =>
    changes.push({ start: node.getStart(source), end: node.getEnd(), text });
  /** @param {ts.Node} node */
  const visit = (node) => {
    // Messages, types and imports are no behaviour.
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isInterfaceDeclaration(node)) return;
    if (ts.isTypeAliasDeclaration(node) || (ts.isNewExpression(node) && /Error$/.test(node.expression.getText(source))))
      return;
    if (ts.isBinaryExpression(node)) {
      const other = turned[node.operatorToken.getText(source)];
      const isText = [node.left, node.right].some(
        (side) => ts.isStringLiteralLike(side) || ts.isTemplateExpression(side),
      );
      if (other && !(isText && /[+-]/.test(other))) add(node.operatorToken, other);
    }
    if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken)
      add(node, node.operand.getText(source));
    if (ts.isNumericLiteral(node) && !ts.isLiteralTypeNode(node.parent)) add(node, `(${node.text} + 1)`);
    if (node.kind === ts.SyntaxKind.TrueKeyword) add(node, 'false');
    if (node.kind === ts.SyntaxKind.FalseKeyword) add(node, 'true');
    if (ts.isPropertyAccessExpression(node) && node.expression.getText(source) === 'Math') {
      const other = /** @type {Record<string, string>} */ ({ min: 'max', max: 'min', floor: 'ceil', ceil: 'floor' })[
        node.name.text
      ];
      if (other) add(node.name, other);
    }
    if (ts.isIfStatement(node)) add(node.expression, `true || (${node.expression.getText(source)})`);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return changes;
}

/** Source files without tests and types. @param {string} folder @returns {string[]} */
function sourcesIn(folder) {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|js)$/.test(name) && !/\.test\.ts$|\.d\.ts$/.test(name))
    .map((name) => join(folder, name))
    .sort();
}

/** Whether the tests that load a file pass; without a file, all of them. @param {string} folder @param {string} [file] */
function passes(folder, file) {
  return new Promise((resolve) => {
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    const asked = file ? ['related', '--run', file] : ['run'];
    const child = spawn(process.execPath, [vitest, ...asked, '--bail', '1', '--reporter', 'dot'], {
      cwd: folder,
      stdio: 'ignore',
      detached: true,
    });
    const timer = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), (file ? 1 : 4) * patience * 1000);
    child.on('exit', (code) => {
      clearTimeout(timer);
      resolve(code === 0);
    });
  });
}

const folders = positionals.length ? positionals.map((name) => join('src', name)) : ['src'];
const places = folders.flatMap(sourcesIn).flatMap((file) => {
  const text = readFileSync(join(root, file), 'utf8');
  return changesOf(ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true)).map((change) => ({ file, change }));
});
const copy = mkdtempSync(join(tmpdir(), 'wherefore-mutants-'));
let killed = 0;
let made = 0;
try {
  const files = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0').filter(Boolean);
  for (const name of files) cpSync(join(root, name), join(copy, name));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  if (!(await passes(copy))) throw new Error('the tests fail without a mutant: nothing to measure');
  while (made < count && places.length > 0) {
    const [{ file, change }] = places.splice(draw(places.length), 1);
    const path = join(copy, file);
    const original = readFileSync(path, 'utf8');
    writeFileSync(path, original.slice(0, change.start) + change.text + original.slice(change.end));
    const survived = await passes(copy, file);
    writeFileSync(path, original);
    made++;
    if (!survived) killed++;
    const line = original.slice(0, change.start).split('\n').length;
    const before = original.slice(change.start, change.end).replace(/\s+/g, ' ').slice(0, 60);
    console.log(
      `${made}/${count} ${survived ? 'SURVIVED' : 'killed  '} ${file}:${line}: ${before} → ${change.text.replace(/\s+/g, ' ').slice(0, 80)}`,
    );
  }
  console.log(`killed ${killed} of ${made} (${((100 * killed) / Math.max(1, made)).toFixed(0)} %)`);
} finally {
  rmSync(copy, { recursive: true, force: true });
}
