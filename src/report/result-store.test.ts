import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StoredResult } from '../evaluation/comparison.ts';
import { folderStorage } from '../run/folder-storage.ts';
import { createResultStore } from './result-store.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wherefore-store-'));
});
afterAll(() => rm(folder, { recursive: true }));

const result: StoredResult = {
  scores: { 'insertion{"steps":16}': { score: 0.25, parts: { a: 1 }, notes: ['one'] } },
  failures: { 'road{}': 'no neighbours' },
  cost: { forward: 3, backward: 2, seconds: 0.5 },
  sum: -1.5,
  absolute: false,
  notes: ['a note'],
  map: Float32Array.of(1, -2, 3.5),
};

describe('the store of results', () => {
  it('gives back what it was given, and nothing for what it was not', async () => {
    const store = createResultStore(folderStorage(join(folder, 'shards')));
    expect(await store.read('a')).toBeUndefined();
    await store.write('a', result);
    await store.write('a', { ...result, sum: 2 });
    expect(await store.read('a')).toEqual({ ...result, sum: 2 });
    expect(await readdir(join(folder, 'shards'))).toEqual(['a.safetensors']);
  });

  it('names a damaged shard', async () => {
    const store = createResultStore(folderStorage(folder));
    await store.write('b', { ...result, cost: 1 as never });
    await expect(store.read('b')).rejects.toThrow(/b\.safetensors: a kept result is damaged/);
    await writeFile(join(folder, 'c.safetensors'), 'no');
    await expect(store.read('c')).rejects.toThrow(/c\.safetensors/);
  });
});
