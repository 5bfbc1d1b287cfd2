import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import * as zod from 'zod';
import * as evaluation from '../src/evaluation/index.ts';
import * as wherefore from '../src/index.ts';
import { examplesOf, runExample, typeErrors } from './documentation.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const pages = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`), 'CONTRIBUTING.md'].filter(
  (page) => page.endsWith('.md'),
);
const text = (page: string) => readFileSync(join(root, page), 'utf8');
/** What the examples may import. */
const modules = { wherefore, 'wherefore/evaluation': evaluation, zod };
const examples = pages.flatMap((page) => examplesOf(page, text(page)));

describe('the examples of the documentation', () => {
  // Compiled together with the others, because that takes seconds: it must be the only one with errors.
  const [wrong] = examplesOf(
    'wrong.md',
    "```ts\nimport { nothing } from 'wherefore';\n\nconst two: string = 2;\nnothing(two);\n```\n",
  );

  it('are there, and type-check', { timeout: 120_000 }, () => {
    expect(examples.length).toBeGreaterThan(1);
    expect(typeErrors([...examples, wrong], root)).toEqual([
      `wrong.md:2: Module '"wherefore"' has no exported member 'nothing'.`,
      "wrong.md:4: Type 'number' is not assignable to type 'string'.",
    ]);
  });

  it.each(examples.map((example) => [`${example.page}:${example.line}`, example] as const))(
    '%s prints what the page says',
    async (_, example) => {
      const printed = await runExample(example, modules);
      expect(printed).toBe(example.output ?? '');
    },
  );
});

describe('the links of the documentation', () => {
  it.each(pages)('%s links to files that exist', (page) => {
    const targets = [...text(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map((match) => match[1]);
    const missing = targets.filter((target) => {
      try {
        return readFileSync(join(root, dirname(page), target)).length === 0;
      } catch {
        return true;
      }
    });
    expect(missing).toEqual([]);
  });

  it('reach every page of docs/ from its index', () => {
    const index = text('docs/README.md');
    const unreached = pages.filter((page) => /^docs\/(?!README)/.test(page) && !index.includes(`(${page.slice(5)})`));
    expect(unreached).toEqual([]);
  });
});

it('says of every dependency why it is there', () => {
  const { dependencies, devDependencies } = JSON.parse(text('package.json'));
  const page = text('docs/dependencies.md');
  const names = Object.keys({ ...dependencies, ...devDependencies });
  expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

// `npm run docs` draws the images anew.
it.runIf(process.env.WHEREFORE_WRITE_DOCS)('draws the images', async () => {
  const model = await wherefore.loadModel(join(root, 'examples/demo/model/shapes.onnx'));
  const [explained] = await wherefore.explain(model, join(root, 'examples/demo/images/tree-with-mark.png'), {
    target: { kind: 'logitDifference', a: 2, b: 5 },
    baseline: { kind: 'zero' },
  });
  await model.close();
  await mkdir(join(root, 'docs/images'), { recursive: true });
  await writeFile(join(root, 'docs/images/tree-with-mark.png'), await wherefore.heatMapPng(explained));
});
