import { join } from 'node:path';
import ts from 'typescript';

/** A ```ts block of a page, with the ```text block that follows it: what it prints. */
export interface DocumentedExample {
  readonly page: string;
  readonly line: number;
  readonly code: string;
  readonly output: string | undefined;
}

/** The runnable examples of a Markdown page: its ```ts blocks, but for those marked `no-run`. */
export function examplesOf(page: string, markdown: string): DocumentedExample[] {
  const block = /^```ts\n([\s\S]*?)^```$(?:\n\n?^```text\n([\s\S]*?)^```$)?/gm;
  return [...markdown.matchAll(block)].map((match) => ({
    page,
    line: markdown.slice(0, match.index).split('\n').length,
    code: match[1],
    output: match[2],
  }));
}

/** What the compiler says of the examples, with `wherefore` and its subpath of metrics standing for the sources in `root`. */
export function typeErrors(examples: readonly DocumentedExample[], root: string): string[] {
  const read = ts.getParsedCommandLineOfConfigFile(
    join(root, 'tsconfig.json'),
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
        throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'));
      },
    },
  );
  const paths = {
    wherefore: [join(root, 'src/index.ts')],
    'wherefore/evaluation': [join(root, 'src/evaluation/index.ts')],
  };
  const options: ts.CompilerOptions = { ...read?.options, paths };
  const files = new Map(examples.map((example, i) => [join(root, `example-${i}.ts`), example]));
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (name) => files.has(name) || fileExists(name);
  host.getSourceFile = (name, version, ...rest) => {
    const example = files.get(name);
    return example ? ts.createSourceFile(name, example.code, version) : getSourceFile(name, version, ...rest);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return [...files].flatMap(([name, { page, line }]) => {
    const source = program.getSourceFile(name);
    return ts.getPreEmitDiagnostics(program, source).map(({ messageText, start = 0 }) => {
      const at = line + 1 + (source?.getLineAndCharacterOfPosition(start).line ?? 0);
      return `${page}:${at}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
    });
  });
}

/**
 * Runs an example and returns what it printed. `modules` gives what it may import, by specifier.
 * The code becomes the body of an async function, so that `await` works as at the top of a module.
 */
export async function runExample(
  { code }: DocumentedExample,
  modules: Readonly<Record<string, unknown>>,
): Promise<string> {
  const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.CommonJS, esModuleInterop: true };
  const { outputText } = ts.transpileModule(code, { compilerOptions: options });
  const lines: string[] = [];
  const print = (...values: unknown[]) => lines.push(`${values.join(' ')}\n`);
  const load = (name: string) => {
    if (!(name in modules)) throw new Error(`an example imports ${name}`);
    return modules[name];
  };
  const AsyncFunction = (async () => undefined).constructor as new (
    ...texts: string[]
  ) => (...values: unknown[]) => Promise<void>;
  await new AsyncFunction('exports', 'require', 'console', outputText)({}, load, { log: print });
  return lines.join('');
}
