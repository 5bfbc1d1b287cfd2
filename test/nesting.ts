import ts from 'typescript';
import { lineOf, parse, type Sources } from './imports.ts';

/** Statements whose body is one level deeper. */
const nests: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.IfStatement,
  ts.SyntaxKind.ForStatement,
  ts.SyntaxKind.ForOfStatement,
  ts.SyntaxKind.ForInStatement,
  ts.SyntaxKind.WhileStatement,
  ts.SyntaxKind.DoStatement,
  ts.SyntaxKind.SwitchStatement,
  ts.SyntaxKind.TryStatement,
]);

/** Statements that stand more than `most` levels deep in a function; `else if` is on the level of its `if`. */
export function nestingViolations(sources: Sources, most: number): string[] {
  return [...sources].flatMap(([path, text]) => {
    const source = parse(path, text);
    const found: string[] = [];
    const visit = (node: ts.Node, depth: number): void => {
      const isElseIf = ts.isIfStatement(node) && ts.isIfStatement(node.parent) && node.parent.elseStatement === node;
      const inner = nests.has(node.kind) && !isElseIf ? depth + 1 : depth;
      if (inner > most && inner > depth) found.push(`${path}:${lineOf(source, node)}: ${inner} levels deep`);
      ts.forEachChild(node, (child) => visit(child, startsAgain(child) ? 0 : inner));
    };
    visit(source, 0);
    return found;
  });
}

/** Whether a node is a function of its own: one that is declared, not one that is given to a call on the spot. */
function startsAgain(node: ts.Node): boolean {
  if (!ts.isFunctionLike(node)) return false;
  return !(ts.isArrowFunction(node) || ts.isFunctionExpression(node)) || !ts.isCallExpression(node.parent);
}
