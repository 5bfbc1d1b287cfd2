import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundled } from '../test/browser/in-browser.ts';
import { denseModel } from '../test/dense-model.ts';
import { missingTypes } from '../test/public-types.ts';
import { createSmallRuntime } from '../test/small-runtime.ts';
import type * as Core from './core.ts';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const runtime = createSmallRuntime();

/** What a browser lacks. */
const absent = [
  'process',
  'Buffer',
  'require',
  'global',
  'module',
  'exports',
  '__dirname',
  '__filename',
  'setImmediate',
];

describe('wherefore/core in a bundle', () => {
  let code = '';
  let imports: readonly string[] = [];
  let core: typeof Core;
  const complaints: string[] = [];
  beforeAll(async () => {
    const made = await bundled(at('./core.ts'), 'core');
    ({ code, imports } = made);
    complaints.push(...made.complaints);
    expect(made.chunks).toBe(1);
    // As a script of a page: names of Node are undefined.
    core = new Function(...absent, `${code}; return core;`)();
  }, 60_000);

  it('holds all that it needs and nothing of Node', () => {
    expect(complaints).toEqual([]);
    expect(code.match(/["']node:[a-z_/]+["']/g)).toBeNull();
    expect(imports).toEqual([]);
  });

  it('explains with a runtime that the caller brings, and draws the page', async () => {
    const model = await core.openModel(denseModel(), { runtime, name: 'small.onnx' });
    const found = await core.explain(model, new Map([['x', core.float32([1, 4], [1, -2, 0.5, 3])]]), {
      target: { kind: 'classLogit', class: 1 },
      baseline: { kind: 'zero' },
      methods: ['integrated-gradients', 'deep-lift', 'lrp-epsilon', 'kernel-shap'],
      layers: ['input'],
    });
    expect(found.map(({ document }) => document.method)).toEqual([
      'integrated-gradients',
      'deep-lift',
      'lrp-epsilon',
      'kernel-shap',
    ]);
    // DeepLIFT adds up to float32 whatever the network is.
    expect(found[1].document.relativeError).toBeLessThan(1e-4);
    expect(found[0].document.versions).not.toHaveProperty('node');
    expect(core.parseDocument(JSON.stringify(found[0].document), 'memory')).toEqual(found[0].document);
    expect(await core.renderPage(found)).toContain('DeepLIFT');
  });

  it('says what it lacks where a text names a file', async () => {
    const model = await core.openModel(denseModel(), { runtime });
    await expect(core.explain(model, 'cat.png')).rejects.toThrow(/cat\.png: a text names a file.*no way to files/);
  });
});

describe('types in public signatures', () => {
  const entries = [
    'core',
    'index',
    'train/index',
    'data/index',
    'evaluation/index',
    'language/index',
    'page/index',
    'web/index',
  ];
  const program = ts.createProgram(
    entries.map((entry) => at(`./${entry}.ts`)),
    {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      allowImportingTsExtensions: true,
      noEmit: true,
      skipLibCheck: true,
      strict: true,
      types: ['node'],
    },
  );
  it.each(entries)('%s exports all of its own', (entry) => {
    const ground = entry === 'core' ? undefined : at('./core.ts');
    expect([...missingTypes(program, at(`./${entry}.ts`), at('../'), ground)]).toEqual([]);
  });
});
