import { posix } from 'node:path';
import ts from 'typescript';

/** Source texts by path relative to the repository, e.g. `src/onnx/graph.ts`. */
export type Sources = ReadonlyMap<string, string>;

/** One reference of a file to another file or to a package. */
export interface Import {
  readonly specifier: string;
  /** Whether the compiled file still has it: `import type` is erased, `import { type A }` is not. */
  readonly value: boolean;
  /** Whether it is loaded when it is needed, by `import()`, and not with the file. */
  readonly late: boolean;
  readonly line: number;
}

/** What is loaded as soon as the `entries` are, types and late imports apart: their files, and packages by name. */
export function loadedWith(sources: Sources, entries: readonly string[]): Set<string> {
  const loaded = new Set(entries);
  for (const path of loaded) {
    for (const { specifier, value, late } of importsOf(path, sources.get(path) ?? ''))
      if (value && !late) loaded.add(resolve(path, specifier) ?? specifier);
  }
  return loaded;
}

/**
 * Circles of imports, types included: each as the files of one strongly connected group, in alphabetical order (Tarjan
 * 1972, "Depth-first search and linear graph algorithms").
 */
export function importCycles(sources: Sources): string[][] {
  const next = new Map([...sources].map(([path, text]) => [path, targetsOf(path, text, sources)]));
  const found = new Map<string, { index: number; low: number; open: boolean }>();
  const stack: string[] = [];
  const cycles: string[][] = [];
  const visit = (path: string) => {
    const own = { index: found.size, low: found.size, open: true };
    found.set(path, own);
    stack.push(path);
    for (const target of next.get(path) ?? []) {
      const other = found.get(target) ?? visit(target);
      if (other.open) own.low = Math.min(own.low, other.low);
    }
    if (own.low < own.index) return own;
    const group = stack.splice(stack.indexOf(path));
    for (const one of group) (found.get(one) as typeof own).open = false;
    if (group.length > 1 || next.get(path)?.includes(path)) cycles.push(group.sort());
    return own;
  };
  for (const path of sources.keys()) if (!found.has(path)) visit(path);
  return cycles;
}

const targetsOf = (path: string, text: string, sources: Sources): string[] =>
  importsOf(path, text)
    .map(({ specifier }) => resolve(path, specifier))
    .filter((target) => target !== undefined)
    .filter((target) => sources.has(target));

/** Every reference of a file, in the order of the text. */
export function importsOf(path: string, text: string): Import[] {
  const source = parse(path, text);
  const found: Import[] = [];
  const add = (specifier: ts.Node, value: boolean, late = false) => {
    if (ts.isStringLiteralLike(specifier))
      found.push({ specifier: specifier.text, value, late, line: lineOf(source, specifier) });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, !node.importClause?.isTypeOnly);
    else if (ts.isExportDeclaration(node) && node.moduleSpecifier) add(node.moduleSpecifier, !node.isTypeOnly);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, false);
    else if (ts.isCallExpression(node) && loads(node.expression) && node.arguments.length > 0)
      add(node.arguments[0], true, true);
    // new URL('./worker.js', import.meta.url) loads a program; other files are data.
    else if (ts.isNewExpression(node) && node.expression.getText(source) === 'URL' && node.arguments?.length === 2) {
      const [file, base] = node.arguments;
      const isProgram = ts.isStringLiteralLike(file) && /[.][cm]?[jt]s$/.test(file.text);
      if (isProgram && base.getText(source) === 'import.meta.url') add(file, true, true);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function loads(callee: ts.Expression): boolean {
  return callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require');
}

/** `src/…` or `test/…` of a relative import; undefined for a package. */
export function resolve(path: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : undefined;
}

/** Parsed texts: every check looks at all of them. */
const parsed = new Map<string, ts.SourceFile>();

export function parse(path: string, text: string): ts.SourceFile {
  const key = `${path}\0${text}`;
  let source = parsed.get(key);
  if (!source) parsed.set(key, (source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)));
  return source;
}

export function lineOf(source: ts.SourceFile, node: ts.Node): number {
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
}
