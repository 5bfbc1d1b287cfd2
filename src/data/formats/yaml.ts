import { type Document, isAlias, isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { WhereforeError } from '../../errors.ts';

/** A YAML text: its value, and the line of every position. */
export interface YamlText {
  readonly value: unknown;
  /** The line of the innermost place on a path that the text has. */
  lineOf(path: readonly PropertyKey[]): number | undefined;
}

/** Maps and lists inside each other; a file of settings needs five. */
const deepest = 50;

/**
 * Reads YAML of plain values: maps, lists, texts, numbers. The time grows with the length of the text.
 * @throws WhereforeError `invalid-data` with the line for what is no YAML, a key that occurs twice, a name that objects
 *   of the program have already (`__proto__`), nesting without end, and aliases, by which a short text can mean a large
 *   value or one that holds itself
 */
export function readYaml(text: string, where: string): YamlText {
  const lines = new LineCounter();
  const lineAt = (node: unknown) => (isNode(node) && node.range ? lines.linePos(node.range[0]).line : undefined);
  const refuse = (what: string, line: number | undefined, fix: string, cause?: unknown) =>
    new WhereforeError('invalid-data', what, { where: line ? `${where}, line ${line}` : where, fix, cause });
  let document: Document.Parsed;
  try {
    // The library compares every key with every other one; the walk below does it with a set.
    document = parseDocument(text, { lineCounter: lines, uniqueKeys: false });
  } catch (cause) {
    throw refuse('not YAML that can be read: nested too deep', undefined, 'write maps and lists less deep', cause);
  }
  const [broken] = document.errors;
  if (broken) {
    const said = broken.message.split('\n')[0].replace(/ at line .*/, '');
    throw refuse(
      `not YAML: ${said}`,
      broken.linePos?.[0].line,
      'mind the indentation; lists are written [1, 2]',
      broken,
    );
  }
  const positions = new Map<string, number>();
  const walk = (node: unknown, path: string, depth: number): void => {
    if (depth > deepest) throw refuse('nested too deep', lineAt(node), `write at most ${deepest} levels`);
    if (isAlias(node)) throw refuse(`an alias, *${node.source}`, lineAt(node), 'write the value itself out');
    if (isSeq(node)) {
      for (const [i, item] of node.items.entries()) {
        note(positions, `${path}${separator}${i}`, lineAt(item));
        walk(item, `${path}${separator}${i}`, depth + 1);
      }
    }
    if (!isMap(node)) return;
    const keys = new Set<string>();
    for (const { key, value } of node.items) {
      const name = nameOf(key);
      if (name === undefined) throw refuse('a key that is no text', lineAt(key), 'write a name before the colon');
      if (name === '__proto__') throw refuse(`a key called "${name}"`, lineAt(key), 'give it another name');
      if (keys.has(name)) throw refuse(`the key "${name}" occurs twice`, lineAt(key), 'keep one of them');
      keys.add(name);
      note(positions, `${path}${separator}${name}`, lineAt(key));
      walk(value, `${path}${separator}${name}`, depth + 1);
    }
  };
  walk(document.contents, '', 0);
  return {
    value: document.toJS(),
    lineOf: (path) => {
      for (let count = path.length; count > 0; count--) {
        const line = positions.get(
          path
            .slice(0, count)
            .map((key) => `${separator}${String(key)}`)
            .join(''),
        );
        if (line !== undefined) return line;
      }
      return undefined;
    },
  };
}

const separator = '\0';

function note(positions: Map<string, number>, path: string, line: number | undefined): void {
  if (line !== undefined) positions.set(path, line);
}

function nameOf(key: Node | unknown): string | undefined {
  if (!isScalar(key)) return undefined;
  return key.value === null ? undefined : String(key.value);
}
