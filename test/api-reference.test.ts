import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { apiReference, fileOf } from './api-reference.ts';

const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const { exports } = JSON.parse(readFileSync(at('package.json'), 'utf8')) as {
  readonly exports: Readonly<Record<string, { readonly types?: string }>>;
};
// The core first: `wherefore` says that it exports all of it.
const entries = Object.entries(exports)
  .flatMap(([path, { types }]) =>
    types
      ? [{ name: path.replace('.', 'wherefore'), file: at(types.replace('./dist', 'src').replace(/\.d\.ts$/, '.ts')) }]
      : [],
  )
  .sort((a, b) => Number(b.name === 'wherefore/core') - Number(a.name === 'wherefore/core'));
const pages = apiReference(entries);
const folder = at('docs/api');

describe('the API reference', () => {
  if (process.env.WHEREFORE_WRITE_DOCS) {
    mkdirSync(folder, { recursive: true });
    for (const { name, markdown } of pages) writeFileSync(`${folder}/${fileOf(name)}`, markdown);
  }

  it('has a page for every entry of the package, and no other', () => {
    expect(readdirSync(folder).sort()).toEqual(pages.map(({ name }) => fileOf(name)).sort());
    const list = readFileSync(at('docs/README.md'), 'utf8');
    for (const { name } of pages) expect(list).toContain(`(api/${fileOf(name)})`);
  });

  it.each(pages)('$name is as `npm run docs` writes it', ({ name, markdown }) => {
    expect(readFileSync(`${folder}/${fileOf(name)}`, 'utf8')).toBe(markdown);
  });

  it('shows signatures without bodies, docstrings and tags', () => {
    const [core] = pages;
    expect(core.markdown).toContain('### openModel\n\nOpens a model without any platform');
    expect(core.markdown).toMatch(
      /```ts no-run\nfunction openModel\(source: Uint8Array \| string, .*LoadedModel>\n```/,
    );
    expect(core.markdown).toContain('- *throws*: WhereforeError `not-onnx`');
    expect(core.markdown).not.toContain('{@link');
  });
});
