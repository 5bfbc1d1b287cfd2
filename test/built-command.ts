import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The command line as JavaScript, for tests that need a process of its own: signals, closed pipes, full disks. */
export interface BuiltCommand {
  /** @param inGroup Whether it leads a group of processes, which can be killed with all that it started. */
  start(words: readonly string[], inGroup?: boolean): ChildProcess;
  /** Starts a program that imports the package as `./dist/index.js`. */
  startProgram(text: string): ChildProcess;
  /** Writes such a program, to be started by others. */
  writeProgram(name: string, text: string): string;
  remove(): void;
}

/** Translates the sources, without checking types, into a folder from which the dependencies are found. */
export function buildCommand(): BuiltCommand {
  const folder = join(root, 'node_modules', '.cache', `wherefore-test-${process.pid}`);
  const source = join(root, 'src');
  for (const name of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    if (name.endsWith('.test.ts') || !['.ts', '.js'].includes(extname(name))) continue;
    const target = join(folder, 'dist', name.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    const text = readFileSync(join(source, name), 'utf8');
    writeFileSync(target, name.endsWith('.ts') ? translated(text) : text);
  }
  copyFileSync(join(root, 'package.json'), join(folder, 'package.json'));
  const run = (words: readonly string[], detached = false) =>
    spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'], detached });
  const written = (name: string, text: string) => {
    const program = join(folder, name);
    writeFileSync(program, text);
    return program;
  };
  return {
    start: (words, inGroup) => run([join(folder, 'dist', 'cli', 'main.js'), ...words], inGroup),
    startProgram: (text) => run([written('program.mjs', text)]),
    writeProgram: written,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Translations are kept by content: several files of tests need the same ones. */
const kept = join(root, 'node_modules', '.cache', 'wherefore-translated');

function translated(text: string): string {
  const path = join(kept, `${createHash('sha256').update(ts.version).update(text).digest('hex')}.js`);
  try {
    return readFileSync(path, 'utf8');
  } catch {
    const result = translate(text);
    mkdirSync(kept, { recursive: true });
    // Tests in other processes may read it at the same time.
    const temporary = `${path}.${process.pid}`;
    writeFileSync(temporary, result);
    renameSync(temporary, path);
    return result;
  }
}

function translate(text: string): string {
  return ts.transpileModule(text, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      rewriteRelativeImportExtensions: true,
    },
  }).outputText;
}
