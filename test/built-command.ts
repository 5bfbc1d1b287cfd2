import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../scripts/bundle.mjs';

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

/** Modules that the programs of tests import besides what the package exports. */
const inside = [
  ...['errors', 'run/worker', 'run/queue-worker', 'tensor/tensor', 'runtime/node', 'data/formats/checkpoint-files'],
].map((name) => `${name}.ts`);

/** The command as `npm run build` makes it, in a folder from which the dependencies are found. */
export async function buildCommand(): Promise<BuiltCommand> {
  const folder = join(root, 'node_modules', '.cache', `wherefore-test-${process.pid}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  symlinkSync(await built(), join(folder, 'dist'));
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

/** The joined modules of the sources as they are, kept by their content: several files of tests start them. */
async function built(): Promise<string> {
  const source = join(root, 'src');
  const hash = createHash('sha256');
  for (const name of readdirSync(source, { recursive: true, encoding: 'utf8' }).sort()) {
    if (name.endsWith('.test.ts') || !['.ts', '.js'].includes(extname(name))) continue;
    hash.update(name).update(readFileSync(join(source, name)));
  }
  const cache = join(root, 'node_modules', '.cache', 'wherefore-built');
  const made = join(cache, hash.digest('hex').slice(0, 16));
  if (existsSync(made)) return join(made, 'dist');
  const temporary = `${made}.${process.pid}`;
  await bundle(join(temporary, 'dist'), inside);
  copyFileSync(join(root, 'package.json'), join(temporary, 'package.json'));
  try {
    renameSync(temporary, made);
  } catch (error) {
    // Tests in another process made it meanwhile.
    rmSync(temporary, { recursive: true });
    if (!existsSync(made)) throw error;
  }
  // What was made of other sources goes after a day: tests of a while ago may still run it.
  for (const other of readdirSync(cache)) {
    const isOld = Date.now() - statSync(join(cache, other)).mtimeMs > 86_400_000;
    if (isOld) rmSync(join(cache, other), { recursive: true, force: true });
  }
  return join(made, 'dist');
}
