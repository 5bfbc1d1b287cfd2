import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { wherefore } from '../../test/command.ts';
import { writeTextClassifier } from '../../test/text-models.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherefore-inspect-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('a long list of classes is told by its first, its length and its file', async () => {
  const names = Array.from({ length: 30 }, (_, i) => `kind ${i}`);
  const model = await writeTextClassifier(folder, { words: { a: names.map((_, i) => i) }, classes: 30 });
  writeFileSync(join(folder, 'classes.txt'), names.join('\n'));
  const { code, output } = await wherefore('inspect', model);
  expect(code).toBe(0);
  expect(output).toMatch(/labels: \["kind 0","kind 1","kind 2", … 30 in all\] \(likely: classes\.txt beside the model/);
  expect(output).toMatch(/# labels: the 30 names that are found without this file too/);
  expect(output).not.toMatch(/kind 29/);
});
