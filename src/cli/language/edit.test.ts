import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { wherefore } from '../../../test/command.ts';
import { byteTokenizerPath, languageFixtures } from '../../../test/language/byte-tokenizer.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherefore-edit-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('edits a fact and leaves a page of what changes besides', async () => {
  const texts = join(folder, 'texts.txt');
  writeFileSync(texts, 'the b c\na b the\n');
  const model = [join(languageFixtures, 'llama'), '--tokenizer', byteTokenizerPath];
  const words = ['--prompt', 'the b', '--subject', 'b', '--answer', ' a', '--texts', texts, '--neighbours', texts];
  const runs = join(folder, 'runs');
  const { code, output } = await wherefore('language', 'edit', ...model, ...words, '--layer', '1', '--out', runs);
  expect(code).toBe(0);
  expect(output).toMatch(/layer 1, at "b"\n[\s\S]*random direction 3[\s\S]*2 texts say which keys occur/);
  const [run] = readdirSync(runs);
  expect(readFileSync(join(runs, run, 'index.html'), 'utf8')).toContain('What else would change?');
  const missing = await wherefore('language', 'edit', ...model, ...words.slice(0, 6), '--texts', join(folder, 'none'));
  expect(missing.code).toBe(1);
  expect(missing.errors).toMatch(/no such file/);
});
