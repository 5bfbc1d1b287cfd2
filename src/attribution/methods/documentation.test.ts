import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { methodPage } from '../../../test/method-table.ts';

const page = fileURLToPath(new URL('../../../docs/methods.md', import.meta.url));

it('docs/methods.md is what the table says', () => {
  if (process.env.WHEREFORE_WRITE_DOCS) writeFileSync(page, methodPage());
  expect(readFileSync(page, 'utf8')).toBe(methodPage());
});
