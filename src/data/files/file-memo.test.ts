import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { FileMemo } from './file-memo.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherefore-memo-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('what was made of a file is kept until it changes or another one is asked for', async () => {
  const [one, other] = [join(folder, 'one.csv'), join(folder, 'other.csv')];
  writeFileSync(one, 'a');
  writeFileSync(other, 'b');
  const memo = new FileMemo();
  let made = 0;
  const get = (path: string, what = 'table') => memo.get(path, 'table', what, { make: async () => ++made });
  expect([await get(one), await get(one), await get(one, 'hash'), await get(one)]).toEqual([1, 1, 2, 1]);
  expect([await get(other), await get(one)]).toEqual([3, 4]);
  writeFileSync(one, 'longer');
  expect(await get(one)).toBe(5);
  await expect(get(join(folder, 'none.csv'))).rejects.toMatchObject({ code: 'file-not-found' });
});

it('a failure is not kept', async () => {
  const path = join(folder, 'failing.csv');
  writeFileSync(path, 'a');
  const memo = new FileMemo();
  const failing = memo.get(path, 'table', 'table', { make: () => Promise.reject(new Error('damaged')) });
  await expect(failing).rejects.toThrow('damaged');
  expect(await memo.get(path, 'table', 'table', { make: async () => 7 })).toBe(7);
});
