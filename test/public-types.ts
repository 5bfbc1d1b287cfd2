import { relative } from 'node:path';
import ts from 'typescript';

/** Names of types by the file that declares them. */
export type MissingTypes = ReadonlyMap<string, string>;

/**
 * Types of this package that stand in the signatures of what an entry exports, or in those of such types, and that
 * neither the entry nor `ground` exports: a caller could not name them.
 * @param root the repository, whose `src/` counts
 * @param ground another entry, from which a caller of this one takes what they share
 */
export function missingTypes(program: ts.Program, entry: string, root: string, ground?: string): MissingTypes {
  const checker = program.getTypeChecker();
  const resolved = (symbol: ts.Symbol) =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const exportsOf = (path: string) => {
    const source = program.getSourceFile(path);
    const module = source && checker.getSymbolAtLocation(source);
    if (!module) throw new Error(`${path} is no module of the program`);
    return checker.getExportsOfModule(module).map(resolved);
  };
  const exported = exportsOf(entry);
  const missing = new Map<string, string>();
  const seen = new Set([...exported, ...(ground === undefined ? [] : exportsOf(ground))]);
  const queue = [...exported];
  for (const symbol of queue) {
    for (const named of (symbol.declarations ?? []).flatMap((declaration) => namesIn(declaration))) {
      const at = checker.getSymbolAtLocation(named);
      const target = at && resolved(at);
      if (!target || seen.has(target) || !isType(target) || !isOurs(target, root)) continue;
      seen.add(target);
      queue.push(target);
      const [declaration] = target.declarations ?? [];
      missing.set(target.name, relative(root, declaration.getSourceFile().fileName));
    }
  }
  return missing;
}

const isType = ({ flags }: ts.Symbol) =>
  (flags & (ts.SymbolFlags.Interface | ts.SymbolFlags.TypeAlias | ts.SymbolFlags.Class)) !== 0;

const isOurs = ({ declarations = [] }: ts.Symbol, root: string) =>
  declarations.some((one) => one.getSourceFile().fileName.startsWith(`${root}src/`));

/** Names of types in a declaration, its bodies and initial values left out. */
function namesIn(declaration: ts.Node): ts.Node[] {
  const found: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isBlock(node) || isPrivate(node)) return;
    if (ts.isTypeReferenceNode(node)) found.push(node.typeName);
    else if (ts.isExpressionWithTypeArguments(node)) found.push(node.expression);
    if (ts.isVariableDeclaration(node) || ts.isPropertyDeclaration(node) || ts.isParameter(node)) {
      if (node.type) visit(node.type);
      return;
    }
    ts.forEachChild(node, visit);
  };
  visit(declaration);
  return found;
}

const isPrivate = (node: ts.Node): boolean =>
  ts.isClassElement(node) && node.name !== undefined && ts.isPrivateIdentifier(node.name);
