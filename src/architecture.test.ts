import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  browserViolations,
  fileSystemViolations,
  layerViolations,
  lengthViolations,
  slowArrayViolations,
  spreadViolations,
} from '../test/architecture.ts';
import { importCycles, loadedWith, type Sources } from '../test/imports.ts';
import { nestingViolations } from '../test/nesting.ts';

/** A folder imports only from folders above it. `index` is what the package exports. */
const layers = [
  'errors',
  'nearest',
  'checked',
  'forms',
  'paths',
  'tensor',
  'linear-algebra',
  'onnx',
  'autodiff',
  'runtime',
  'dataset',
  'train',
  'data',
  'run',
  'attribution',
  'evaluation',
  'explainer',
  'explain',
  'influence',
  'provenance',
  'language',
  'page',
  'core',
  'web',
  'report',
  'index',
  'cli',
];

/** Folders that run in a browser as they are, with all that they load; `core` is what `wherefore/core` gives. */
const core = [
  'core',
  'tensor',
  'linear-algebra',
  'onnx',
  'autodiff',
  'dataset',
  'attribution',
  'evaluation',
  'influence',
  'explain',
  'explainer',
  'page',
  'train',
  'web',
];

/** Packages that run in a browser, too: plain JavaScript without modules of Node. */
const browserPackages = [
  '@huggingface/tokenizers',
  'csv-parse',
  'fflate',
  'hyparquet',
  'yaml',
  'zod',
  'onnxruntime-web',
];

/** The only files that touch the file system: all else reads, lists and writes through them. */
const fileSystem = [
  'src/data/files/file-errors.ts',
  'src/data/files/files.ts',
  'src/data/files/folders.ts',
  'src/data/files/open-file.ts',
  'src/cli/main.ts',
  'src/data/files/temporary.ts',
  // What is downloaded piece by piece.
  'src/data/hub/part-file.ts',
  'src/cli/out-folder.ts',
  'src/run/folder-storage.ts',
  // Pipes to processes, and how much memory these hold.
  'src/runtime/ort-child.js',
  'src/runtime/ort-process.ts',
  'src/run/pool.ts',
  // The commands of a user that train.
  'src/cli/train-command.ts',
];

/** Files of more than 400 lines, each with the reason why it is not two files. */
const longFiles: Readonly<Record<string, string>> = {
  'src/onnx/lowering/expansions/expansions.test.ts':
    'one table of cases, each an operator with its inputs, and one loop over it',
};

const root = fileURLToPath(new URL('../', import.meta.url));

describe('the repository', () => {
  const sources = read(['src']);

  it('has folders that import only from the folders above them', () => {
    expect(sources.size).toBeGreaterThan(100);
    expect(layerViolations(sources, layers)).toEqual([]);
  });

  it('has a core that runs in a browser', () => {
    expect(browserViolations(sources, core, browserPackages)).toEqual([]);
  });

  it('writes schemas with zod/mini', () => {
    // Methods on schemas (`z.string().optional()`) bring all of zod along: 66 kB more in every page.
    expect([...sources].flatMap(([path, text]) => (/from 'zod'/.test(text) ? [path] : []))).toEqual([]);
  });

  it('has a table of methods without what only a run needs', () => {
    // A page needs titles: rules of gradients, runtimes and files are loaded by runs.
    const loaded = [...loadedWith(sources, ['src/attribution/methods/index.ts'])];
    expect(loaded.length).toBeGreaterThan(30);
    expect(
      loaded.filter((path) => !/^(zod\/mini$|src\/(attribution|checked|tensor|errors|nearest))/.test(path)),
    ).toEqual([]);
    expect(loaded.filter((path) => path.includes('/rules/'))).toEqual([]);
  });

  it('has no call whose arguments grow with the data', () => {
    expect(spreadViolations(sources)).toEqual([]);
  });

  it('makes numbers by loops', () => {
    expect(slowArrayViolations(sources)).toEqual([]);
  });

  it('opens files in one place, which looks at them first', () => {
    expect(fileSystemViolations(sources, fileSystem)).toEqual([]);
    expect(fileSystem.filter((path) => !sources.has(path))).toEqual([]);
  });

  it('prints in one place, which shows what a terminal would obey', () => {
    const printing = [...sources].flatMap(([path, text]) =>
      /^(?!\s*\*).*\bconsole\.(log|error|warn|info|debug)\(/m.test(text) ? [path] : [],
    );
    // main.ts loads nothing, and what it says holds no text of others.
    expect(printing).toEqual(['src/cli/main.ts', 'src/cli/terminal.ts']);
  });

  it('has no circle of imports, types included', () => {
    expect(importCycles(sources)).toEqual([]);
  });

  it('has no function nested deeper than 4', () => {
    expect(nestingViolations(sources, 4)).toEqual([]);
  });

  it('has files of at most 400 lines', () => {
    const all = read(['src', 'test', 'bench', 'examples', 'scripts'], { tests: true });
    expect(lengthViolations(all, 400, longFiles)).toEqual([]);
  });
});

describe('the checks', () => {
  it('find an import from a layer below, type or value, and an unknown folder', () => {
    const sources = new Map([
      ['src/tensor/a.ts', "import type { B } from '../onnx/b.ts';"],
      ['src/onnx/b.ts', "import { a } from '../tensor/a.ts';\nexport * from '../report/c.ts';"],
      ['src/report/c.ts', "const late = await import('../cli/d.ts');"],
      ['src/cli/d.ts', "import { index } from '../index.ts';\nimport { make } from '../../test/make.ts';"],
      ['src/helpers/e.ts', ''],
    ]);
    expect(layerViolations(sources, layers)).toEqual([
      'src/tensor/a.ts:1: tensor imports onnx',
      'src/onnx/b.ts:2: onnx imports report',
      'src/report/c.ts:1: report imports cli',
      'src/cli/d.ts:2: imports test/make.ts, which is not part of the package',
      'src/helpers/e.ts: "helpers" is not in the list of layers',
    ]);
  });

  it('find what a browser lacks, however far away it is loaded', () => {
    const sources = new Map([
      ['src/attribution/a.ts', "import { b } from '../runtime/b.ts';\nimport type { D } from '../data/d.ts';"],
      ['src/runtime/b.ts', "export * from './c.ts';"],
      [
        'src/runtime/c.ts',
        "import { readFileSync } from 'node:fs';\nimport sharp from 'sharp';\nconst w = new URL('./w.js', import.meta.url);",
      ],
      ['src/runtime/w.js', "import { parse } from 'yaml';\nimport * as ort from 'onnxruntime-node';"],
      ['src/data/d.ts', "import 'node:path';"],
      ['src/tensor/e.ts', 'const held = Buffer.from([1]);\nconst it = { process: 1 }.process;'],
      ['src/onnx/f.ts', "import { type D } from '../data/g.ts';\nimport type { Worker } from 'node:worker_threads';"],
    ]);
    expect(browserViolations(sources, core, browserPackages)).toEqual([
      'src/tensor/e.ts:1: uses Buffer',
      'src/onnx/f.ts → src/data/g.ts: there is no such file',
      'src/attribution/a.ts → src/runtime/b.ts → src/runtime/c.ts:1: imports node:fs',
      'src/attribution/a.ts → src/runtime/b.ts → src/runtime/c.ts:2: imports sharp',
      'src/attribution/a.ts → src/runtime/b.ts → src/runtime/c.ts → src/runtime/w.js:2: imports onnxruntime-node',
    ]);
  });

  it('find values on the call stack', () => {
    const sources = new Map([
      ['src/a.ts', 'const most = Math.max(0, ...values);\nconst all = [...values];\nf({ ...one });'],
      ['src/b.ts', 'list.push(\n  1,\n);\nnew Set(...sets);\nString.fromCharCode.apply(null, codes);'],
    ]);
    expect(spreadViolations(sources)).toEqual([
      'src/a.ts:1: spreads values into a call',
      'src/b.ts:4: spreads values into a call',
      'src/b.ts:5: spreads values into a call',
    ]);
  });

  it('find numbers that are made by an iterator', () => {
    const text = 'Float32Array.from(values);\nInt32Array.from(values, Number);\nArray.from({ length: 3 }, () => 1);';
    expect(slowArrayViolations(new Map([['src/a.ts', text]]))).toEqual([
      'src/a.ts:2: makes numbers by an iterator: see tensor/filled.ts',
    ]);
  });

  it('find a use of the file system elsewhere, types aside', () => {
    const sources = new Map([
      ['src/data/files/open-file.ts', "import { open } from 'node:fs/promises';"],
      ['src/data/a.ts', "import { readFile } from 'node:fs/promises';\nimport type { Stats } from 'node:fs';"],
      ['src/cli/b.ts', "const { readFileSync } = await import('fs');"],
    ]);
    expect(fileSystemViolations(sources, ['src/data/files/open-file.ts'])).toEqual([
      'src/data/a.ts:1: imports node:fs/promises',
      'src/cli/b.ts:1: imports fs',
    ]);
  });

  it('find circles of imports, of types as well', () => {
    const sources = new Map([
      ['src/a.ts', "import { b } from './b.ts';"],
      ['src/b.ts', "import type { C } from './c.ts';\nexport * from './d.ts';"],
      ['src/c.ts', "const late = import('./a.ts');"],
      ['src/d.ts', "import { e } from './e.ts';"],
      ['src/e.ts', ''],
    ]);
    expect(importCycles(sources)).toEqual([['src/a.ts', 'src/b.ts', 'src/c.ts']]);
    expect([...loadedWith(sources, ['src/b.ts'])]).toEqual(['src/b.ts', 'src/d.ts', 'src/e.ts']);
  });

  it('find what is nested too deep', () => {
    const text = `function f() {
  if (a) {
    for (const b of c) {
      each(() => {
        if (d) g();
      });
    }
  } else if (h) i();
  function other() { if (a) { if (b) c(); } }
}`;
    expect(nestingViolations(new Map([['src/a.ts', text]]), 2)).toEqual(['src/a.ts:5: 3 levels deep']);
  });

  it('find a file that is too long, and a reason that is no longer needed', () => {
    const sources = new Map([
      ['src/a.ts', 'one\n'.repeat(401)],
      ['src/b.ts', 'one\n'.repeat(400)],
      ['src/c.ts', 'one\n'.repeat(500)],
    ]);
    expect(lengthViolations(sources, 400, { 'src/c.ts': 'a table', 'src/b.ts': 'was one' })).toEqual([
      'src/a.ts: 401 lines, more than 400',
      'src/b.ts: has a reason to be long, but is not',
    ]);
  });
});

function read(folders: readonly string[], options: { readonly tests?: boolean } = {}): Sources {
  const sources = new Map<string, string>();
  for (const folder of folders) {
    if (!existsSync(join(root, folder))) continue;
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).sort()) {
      if (!/\.(ts|js|mjs)$/.test(name) || (!options.tests && name.endsWith('.test.ts'))) continue;
      const path = join(folder, name).replaceAll('\\', '/');
      sources.set(path, readFileSync(join(root, path), 'utf8'));
    }
  }
  return sources;
}
