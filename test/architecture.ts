import ts from 'typescript';
import { importsOf, lineOf, parse, resolve, type Sources } from './imports.ts';

/** The layer of a file under `src/`: its folder, or the file's own name where it lies in `src/` itself. */
export function layerOf(path: string): string {
  return path
    .replace(/^src\//, '')
    .split('/')[0]
    .replace(/[.][jt]s$/, '');
}

/** Imports of a folder from a folder that stands below it in `layers`, and folders that `layers` does not have. */
export function layerViolations(sources: Sources, layers: readonly string[]): string[] {
  const violations: string[] = [];
  for (const [path, text] of sources) {
    const layer = layerOf(path);
    const rank = layers.indexOf(layer);
    if (rank < 0) {
      violations.push(`${path}: "${layer}" is not in the list of layers`);
      continue;
    }
    for (const { specifier, line } of importsOf(path, text)) {
      const target = resolve(path, specifier);
      if (!target) continue;
      if (!target.startsWith('src/'))
        violations.push(`${path}:${line}: imports ${target}, which is not part of the package`);
      else if (layers.indexOf(layerOf(target)) > rank)
        violations.push(`${path}:${line}: ${layer} imports ${layerOf(target)}`);
    }
  }
  return violations;
}

/** Uses of the file system, by Node's module or by a name of Node's own, outside the files that may. */
export function fileSystemViolations(sources: Sources, allowed: readonly string[]): string[] {
  return [...sources].flatMap(([path, text]) =>
    allowed.includes(path)
      ? []
      : importsOf(path, text)
          .filter(({ specifier, value }) => value && /^(node:)?(fs|child_process)(\/|$)/.test(specifier))
          .map(({ specifier, line }) => `${path}:${line}: imports ${specifier}`),
  );
}

/** Names of the Node platform that need no import. */
const nodeGlobals = new Set([
  'Buffer',
  'process',
  '__dirname',
  '__filename',
  'require',
  'global',
  'setImmediate',
  'clearImmediate',
]);

/**
 * What keeps the files of `folders`, and everything that they load, from running in a browser: modules of Node,
 * packages other than `browserPackages`, and globals of Node. Follows value imports only: types are erased.
 */
export function browserViolations(
  sources: Sources,
  folders: readonly string[],
  browserPackages: readonly string[],
): string[] {
  const violations: string[] = [];
  const reachedFrom = new Map<string, string | undefined>();
  const queue = [...sources.keys()].filter((path) => folders.includes(layerOf(path)));
  for (const path of queue) reachedFrom.set(path, undefined);
  for (const path of queue) {
    const text = sources.get(path);
    if (text === undefined) {
      violations.push(`${chain(reachedFrom, path)}: there is no such file`);
      continue;
    }
    for (const { specifier, value, line } of importsOf(path, text)) {
      if (!value) continue;
      const target = resolve(path, specifier);
      if (target) {
        if (!reachedFrom.has(target)) {
          reachedFrom.set(target, path);
          queue.push(target);
        }
      } else if (!browserPackages.includes(packageOf(specifier))) {
        violations.push(`${chain(reachedFrom, path)}:${line}: imports ${specifier}`);
      }
    }
    for (const { name, line } of nodeGlobalsIn(path, text))
      violations.push(`${chain(reachedFrom, path)}:${line}: uses ${name}`);
  }
  return violations;
}

/** Files of more than `limit` lines without a reason in `reasons`, and reasons that nothing needs any more. */
export function lengthViolations(sources: Sources, limit: number, reasons: Readonly<Record<string, string>>): string[] {
  const long = new Set<string>();
  const violations: string[] = [];
  for (const [path, text] of sources) {
    const lines = text.replace(/\n$/, '').split('\n').length;
    if (lines <= limit) continue;
    long.add(path);
    if (!reasons[path]) violations.push(`${path}: ${lines} lines, more than ${limit}`);
  }
  for (const path of Object.keys(reasons))
    if (!long.has(path)) violations.push(`${path}: has a reason to be long, but is not`);
  return violations;
}

/**
 * Calls that take a spread, `f(...values)`, or go through `apply`: every value lies on the call stack, which overflows
 * at about 100,000 of them. Loops, and functions that take an array, have no such limit.
 */
export const spreadViolations = (sources: Sources): string[] =>
  nodeViolations(sources, takesSpread, 'spreads values into a call');

/** `Float32Array.from(list, of)`: it asks an iterator for every element and takes 25 times as long as a loop. */
export const slowArrayViolations = (sources: Sources): string[] =>
  nodeViolations(sources, fillsByIterator, 'makes numbers by an iterator: see tensor/filled.ts');

function nodeViolations(sources: Sources, isWrong: (node: ts.Node) => boolean, why: string): string[] {
  const violations: string[] = [];
  for (const [path, text] of sources) {
    const source = parse(path, text);
    const visit = (node: ts.Node): void => {
      if (isWrong(node)) violations.push(`${path}:${lineOf(source, node)}: ${why}`);
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return violations;
}

function fillsByIterator(node: ts.Node): boolean {
  return (
    ts.isCallExpression(node) &&
    node.arguments.length > 1 &&
    /^(Float|Int|Uint)\d+Array\.from$/.test(node.expression.getText())
  );
}

function takesSpread(node: ts.Node): boolean {
  if (!ts.isCallExpression(node) && !ts.isNewExpression(node)) return false;
  if (node.arguments?.some(ts.isSpreadElement)) return true;
  return (
    ts.isPropertyAccessExpression(node.expression) &&
    node.expression.name.text === 'apply' &&
    node.arguments?.length === 2
  );
}

function nodeGlobalsIn(path: string, text: string): { readonly name: string; readonly line: number }[] {
  const source = parse(path, text);
  const found: { name: string; line: number }[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && nodeGlobals.has(node.text) && !namesSomethingElse(node)) {
      found.push({ name: node.text, line: lineOf(source, node) });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** Whether an identifier is the name of a property or of a declaration, and so not a use of the global. */
function namesSomethingElse(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  const names =
    ts.isPropertyAssignment(parent) ||
    ts.isPropertySignature(parent) ||
    ts.isMethodDeclaration(parent) ||
    ts.isMethodSignature(parent);
  return names && parent.name === node;
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** The way from a core file to `path`, e.g. `src/attribution/a.ts → src/runtime/b.ts`. */
function chain(reachedFrom: ReadonlyMap<string, string | undefined>, path: string): string {
  const way = [path];
  for (let at = reachedFrom.get(path); at !== undefined; at = reachedFrom.get(at)) way.unshift(at);
  return way.join(' → ');
}
