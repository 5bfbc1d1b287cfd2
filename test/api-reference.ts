import ts from 'typescript';

/** What an entry of the package exports, as a page of Markdown. */
export interface ApiPage {
  /** As it is imported: `wherefore/train`. */
  readonly name: string;
  readonly markdown: string;
}

/** An entry of the package: how it is imported, and its file. */
export interface ApiEntry {
  readonly name: string;
  readonly file: string;
}

/**
 * The API reference, out of docstrings and signatures. Types are not resolved: what stands in the source is shown.
 * @param entries the first one's names are left out of the others, which say so
 */
export function apiReference(entries: readonly ApiEntry[]): ApiPage[] {
  const program = ts.createProgram(
    entries.map(({ file }) => file),
    {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      allowImportingTsExtensions: true,
      noEmit: true,
      noLib: true,
      types: [],
    },
  );
  const checker = program.getTypeChecker();
  const exportsOf = (file: string): Map<string, ts.Symbol> => {
    const source = program.getSourceFile(file);
    const module = source && checker.getSymbolAtLocation(source);
    if (!module) throw new Error(`${file} is no module`);
    return new Map(
      checker
        .getExportsOfModule(module)
        .map((symbol) => [
          symbol.name,
          symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
        ]),
    );
  };
  const [ground, ...others] = entries.map((entry) => ({ ...entry, exported: exportsOf(entry.file) }));
  const own = others.map(({ exported, ...entry }) => {
    const kept = [...exported].filter(([name, symbol]) => ground.exported.get(name) !== symbol);
    const isWhole = [...ground.exported].every(([name, symbol]) => exported.get(name) === symbol);
    return { ...entry, exported: new Map(kept), isWhole };
  });
  return [
    { name: ground.name, markdown: pageOf(ground.name, ground.exported) },
    ...own.map(({ name, exported, isWhole }) => ({
      name,
      markdown: pageOf(name, exported, isWhole ? ground.name : undefined),
    })),
  ];
}

/** Kinds of exports, in the order of the page, with the syntax that makes them. */
const kinds: readonly { readonly title: string; readonly is: (node: ts.Node) => boolean }[] = [
  { title: 'Functions', is: (node) => ts.isFunctionDeclaration(node) || isArrow(node) },
  { title: 'Classes', is: ts.isClassDeclaration },
  { title: 'Values', is: ts.isVariableDeclaration },
  { title: 'Types', is: (node) => ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node) },
];

const isArrow = (node: ts.Node): boolean =>
  ts.isVariableDeclaration(node) && node.initializer !== undefined && ts.isArrowFunction(node.initializer);

function pageOf(name: string, exported: ReadonlyMap<string, ts.Symbol>, ground?: string): string {
  const declared = [...exported].flatMap(([own, { declarations = [] }]) =>
    declarations.slice(0, 1).map((node) => ({ own, node })),
  );
  const parts = kinds.flatMap(({ title, is }, k) => {
    const found = declared
      .filter(({ node }) => is(node) && !kinds.slice(0, k).some((before) => before.is(node)))
      .sort((a, b) => (a.own.toLowerCase() < b.own.toLowerCase() ? -1 : 1));
    return found.length > 0 ? [`## ${title}`, ...found.map(({ own, node }) => entryOf(own, node))] : [];
  });
  const also = ground ? ` Beside these it exports all of [\`${ground}\`](${fileOf(ground)}).` : '';
  const head = `# \`${name}\`\n\nMade from the docstrings by \`npm run docs\`: ${declared.length} exports.${also}`;
  return `${[head, ...parts].join('\n\n')}\n`;
}

/** The name of a page's file. */
export const fileOf = (name: string): string => `${name.replace('/', '-')}.md`;

function entryOf(name: string, node: ts.Node): string {
  const { text, tags } = docOf(node);
  return [
    `### ${name}`,
    ...(text ? [text] : []),
    `\`\`\`ts no-run\n${signatureOf(node).replaceAll(links, '$1')}\n\`\`\``,
    ...(tags.length > 0 ? [tags.join('\n')] : []),
  ].join('\n\n');
}

/** What a docstring says, and its tags as a list. */
function docOf(node: ts.Node): { readonly text: string; readonly tags: readonly string[] } {
  const holder = ts.isVariableDeclaration(node) ? node.parent.parent : node;
  const docs = ts.getJSDocCommentsAndTags(holder).filter(ts.isJSDoc);
  const doc = docs.at(-1);
  const tags = (doc?.tags ?? []).map((tag) => {
    const comment = plain(ts.getTextOfJSDocComment(tag.comment) ?? '');
    const kind = tag.tagName.text;
    if (kind === 'example') return `\nExample:\n\`\`\`ts no-run\n${comment}\n\`\`\``;
    const of = ts.isJSDocParameterTag(tag) ? `\`${tag.name.getText()}\`: ` : `*${words[kind] ?? kind}*: `;
    return `- ${of}${comment.replaceAll('\n', ' ')}`;
  });
  return { text: plain(ts.getTextOfJSDocComment(doc?.comment) ?? ''), tags };
}

const words: Readonly<Record<string, string>> = { throws: 'throws', returns: 'gives', source: 'source' };

/** Links as names. */
const links = /\{@link ([^}|\s]+)[^}]*\}/g;
const plain = (text: string): string => text.replaceAll(links, '`$1`').trim();

/** The declaration without its body, with the comments inside it. */
function signatureOf(node: ts.Node): string {
  const source = node.getSourceFile().text;
  const text = (from: ts.Node, to: ts.Node | number) =>
    source.slice(from.getStart(undefined, false), typeof to === 'number' ? to : to.getStart()).trim();
  if (ts.isFunctionDeclaration(node) && node.body) return withoutExport(text(node, node.body));
  if (ts.isClassDeclaration(node)) return classOf(node);
  if (ts.isVariableDeclaration(node)) {
    const { initializer: value, type } = node;
    if (value && ts.isArrowFunction(value)) return `const ${text(node, value.body).replace(/\s*=>$/, '')}`;
    return `const ${node.name.getText()}${type ? `: ${type.getText()}` : ''}`;
  }
  return withoutExport(text(node, node.end));
}

/** A class with the heads of what is public in it. */
function classOf(node: ts.ClassDeclaration): string {
  const members = node.members.filter(
    (member) =>
      !(member.name && ts.isPrivateIdentifier(member.name)) &&
      (ts.getCombinedModifierFlags(member as ts.Declaration) & ts.ModifierFlags.Private) === 0,
  );
  const heads = members.map((member) => {
    const body = (member as ts.MethodDeclaration).body ?? (member as ts.PropertyDeclaration).initializer;
    const end = body ? body.getStart() : member.end;
    return `  ${member.getSourceFile().text.slice(member.getStart(undefined, true), end).trim().replace(/\s*=$/, '')}`;
  });
  const head = node.getSourceFile().text.slice(node.getStart(), node.members.pos).trim();
  return `${withoutExport(head)}\n${heads.join('\n')}\n}`;
}

const withoutExport = (text: string): string => text.replace(/^export (default )?(async )?/, '');
