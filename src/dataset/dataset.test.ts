import { describe, expect, it } from 'vitest';
import { contentHash } from '../tensor/content-hash.ts';
import { float32, int64, rows, tensor } from '../tensor/tensor.ts';
import { batches, bytesOfRows } from './batches.ts';
import { ByteCache } from './byte-cache.ts';
import { concat } from './concat.ts';
import type { Dataset } from './dataset.ts';
import { defineDataset } from './define-dataset.ts';
import { datasetOf } from './in-memory.ts';
import { shuffle, split, splitBy, subset } from './select.ts';

/** Five rows of two numbers, of which the first and the last are the same. */
const x = float32([5, 2], [1, 2, 3, 4, 5, 6, 7, 8, 1, 2]);
const five = (options: Parameters<typeof datasetOf>[1] = {}) => datasetOf({ x }, { name: 'five', ...options });
const all = (dataset: Dataset) => Array.from({ length: dataset.length }, (_, i) => i);

describe('datasetOf', () => {
  it('reads rows in the order asked for, with their labels and weights', async () => {
    const dataset = five({ labels: [0, 1, 2, 1, 0], weights: Float32Array.of(1, 2, 3, 4, 5) });
    const found = await dataset.read([3, 0, 3]);
    expect(found.inputs.x).toEqual(float32([3, 2], [7, 8, 1, 2, 7, 8]));
    expect(found.labels).toEqual(int64([3], [1, 0, 1]));
    expect(found.weights).toEqual(Float32Array.of(4, 1, 4));
    expect(dataset.describe(3)).toBe('five row 3');
  });

  it('reads texts and labels that are no whole numbers', async () => {
    const dataset = datasetOf({ text: tensor('string', [2], ['a', 'b']) }, { labels: [0.5, 2] });
    expect(await dataset.read([1])).toEqual({
      inputs: { text: tensor('string', [1], ['b']) },
      labels: float32([1], [2]),
    });
  });

  it('says what does not fit', async () => {
    expect(() => five({ labels: [1, 2] })).toThrow(/five: "labels" has another number of rows.*got 2, expected 5/);
    expect(() => five({ ids: ['a'] })).toThrow(/"ids" has another number of values/);
    expect(() => datasetOf({})).toThrow(/needs an input/);
    await expect(five().read([5])).rejects.toThrow(/five: the data set has no such row.*got 5, expected 0 to 4/);
    await expect(five({ columns: { source: ['a', 'b', 'c', 'd', 'e'] } }).column('sorce', [0])).rejects.toThrow(
      /no column "sorce": did you mean "source"/,
    );
  });
});

describe('identity of rows', () => {
  it('is the hash of the content, without the label', async () => {
    const dataset = five({ labels: [0, 1, 2, 1, 1] });
    const hashes = await dataset.hashes(all(dataset));
    expect(hashes[0]).toBe(hashes[4]);
    expect(new Set(hashes).size).toBe(4);
    const bytes = new Uint8Array(Float32Array.of(7, 8).buffer);
    expect(hashes[3]).toBe(contentHash(['1:x ', 'float32 1×2:', bytes]));
  });

  it('does not depend on the order, and numbers equal rows', async () => {
    const ids = await five().ids([0, 1, 2, 3, 4]);
    expect(ids[4]).toBe(`${ids[0]}~2`);
    const turned = datasetOf({ x: float32([5, 2], [1, 2, 7, 8, 1, 2, 5, 6, 3, 4]) });
    expect((await turned.ids([0, 1, 2, 3, 4])).sort()).toEqual([...ids].sort());
    // With labels that differ they are two rows.
    expect((await five({ labels: [0, 1, 2, 1, 1] }).ids([4]))[0]).not.toContain('~');
  });

  it('is what the data says, where it does', async () => {
    expect(await five({ ids: ['a', 'b', 'c', 'd', 'e'] }).ids([4, 0])).toEqual(['e', 'a']);
    await expect(five({ ids: ['a', 'b', 'c', 'b', 'e'] }).ids([0])).rejects.toThrow(
      /five: two rows have the id "b" \(got rows 1 and 3/,
    );
  });

  it('has a key that changes with contents, order, labels, weights and classes alone', async () => {
    const keys = await Promise.all(
      [
        five(),
        datasetOf({ x: float32([5, 2], [3, 4, 1, 2, 5, 6, 7, 8, 1, 2]) }),
        five({ labels: [0, 1, 2, 1, 0] }),
        five({ labels: [0, 1, 2, 1, 1] }),
        five({ weights: new Float32Array(5) }),
        five({ classes: ['a'] }),
      ].map((dataset) => dataset.key()),
    );
    expect(new Set(keys).size).toBe(6);
    expect(await five({ name: 'another', columns: { source: ['', '', '', '', ''] } }).key()).toBe(keys[0]);
  });

  it('has a key that is computed in pieces, once, and can be stopped', async () => {
    const asked: number[] = [];
    const values = float32(
      [1000, 1],
      Float32Array.from({ length: 1000 }, (_, i) => i),
    );
    const dataset = defineDataset({
      name: 'thousand',
      length: 1000,
      inputs: async (indices) => {
        asked.push(indices.length);
        return { x: rows(values, indices[0], indices[0] + indices.length) };
      },
    });
    const stop = new AbortController();
    const stopped = dataset.key({ signal: stop.signal, onProgress: () => stop.abort() });
    await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
    expect(asked).toEqual([256]);
    const told: number[] = [];
    const key = await dataset.key({ onProgress: (done) => told.push(done) });
    expect(told).toEqual([256, 512, 768, 1000]);
    expect(await dataset.key()).toBe(key);
    expect(asked).toHaveLength(5);
    expect(await datasetOf({ x: values }).key()).toBe(key);
  });
});

describe('parts of a data set', () => {
  const labelled = five({
    labels: [0, 1, 2, 1, 0],
    ids: ['a', 'b', 'c', 'd', 'e'],
    columns: { split: ['train', 'test', 'train', undefined, 'test'] },
  });

  it('keep rows, labels, ids and columns, also of parts of parts', async () => {
    const part = subset(subset(labelled, [4, 3, 1]), [2, 0]);
    expect(part.length).toBe(2);
    expect(part.labels).toEqual(int64([2], [1, 0]));
    expect((await part.read([0, 1])).inputs.x).toEqual(float32([2, 2], [3, 4, 1, 2]));
    expect(await part.ids([1, 0])).toEqual(['e', 'b']);
    expect(await part.column('split', [0])).toEqual(['test']);
    expect(await part.hashes([1])).toEqual(await labelled.hashes([4]));
    expect(part.describe(1)).toBe('five row 4');
    expect(await part.key()).toBe(await subset(labelled, [1, 4]).key());
    expect(await part.key()).not.toBe(await subset(labelled, [4, 1]).key());
    expect(() => subset(labelled, [5])).toThrow(/no such row/);
    await expect(part.read([2])).rejects.toThrow(/no such row/);
  });

  it('split at random by a seed, and by a column', async () => {
    const [first, second] = split(labelled, 0.6, 3);
    expect([first.length, second.length]).toEqual([3, 2]);
    const ids = [...(await first.ids([0, 1, 2])), ...(await second.ids([0, 1]))];
    expect(ids.sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
    const parts = await splitBy(labelled, 'split');
    expect([...parts.keys()]).toEqual(['train', 'test']);
    expect(await (parts.get('test') as Dataset).ids([0, 1])).toEqual(['b', 'e']);
    const order = await shuffle(labelled, 1).ids(all(labelled));
    expect(order).not.toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(await shuffle(labelled, 1).ids(all(labelled))).toEqual(order);
  });

  it('are put together in order', async () => {
    const both = concat([
      subset(labelled, [0, 1]),
      datasetOf(
        { x: float32([2, 2], [9, 9, 8, 8]) },
        { name: 'two', labels: [3, 4], ids: ['y', 'z'], weights: Float32Array.of(5, 6) },
      ),
    ]);
    const found = await both.read([3, 0, 2]);
    expect(found.inputs.x).toEqual(float32([3, 2], [8, 8, 1, 2, 9, 9]));
    expect(found.labels).toEqual(int64([3], [4, 0, 3]));
    expect(found.weights).toEqual(Float32Array.of(6, 1, 5));
    expect(await both.ids([2, 1])).toEqual(['y', 'b']);
    expect(await both.column('split', [0, 2])).toEqual(['train', undefined]);
    expect(both.describe(3)).toBe('two row 1');
    await expect(concat([labelled, labelled]).ids([0])).rejects.toThrow(/two rows have the id "a"/);
    expect(() => concat([labelled, five()])).toThrow(/different labels cannot be put together/);
  });
});

describe('batches', () => {
  it('go through all rows once, by number or by bytes', async () => {
    const sizes = async (options: Parameters<typeof batches>[1]) => {
      const found: number[][] = [];
      for await (const { indices } of batches(five({ labels: [0, 1, 2, 1, 0] }), options)) found.push([...indices]);
      return found;
    };
    expect(await sizes({ size: 2 })).toEqual([[0, 1], [2, 3], [4]]);
    // Two floats and an int64 are 16 bytes a row.
    expect(await sizes({ bytes: 35 })).toEqual([[0, 1], [2, 3], [4]]);
    expect(await sizes({ bytes: 1 })).toHaveLength(5);
    expect(await sizes({})).toEqual([[0, 1, 2, 3, 4]]);
    const shuffled = await sizes({ size: 5, shuffle: { seed: 1, epoch: 0 } });
    expect([...shuffled[0]].sort()).toEqual([0, 1, 2, 3, 4]);
    expect(await sizes({ size: 5, shuffle: { seed: 1, epoch: 1 } })).not.toEqual(shuffled);
    await expect(sizes({ size: 0 })).rejects.toThrow(/the size of a batch is not a count/);
    expect(bytesOfRows({ inputs: { x, t: tensor('string', [1], ['abc']) } })).toBe(46);
  });
});

describe('ByteCache', () => {
  it('keeps what was used last within its budget, and makes nothing twice', async () => {
    const cache = new ByteCache<string, string>(10);
    const made: string[] = [];
    const get = (key: string, bytes: number) =>
      cache.get(key, bytes, async () => {
        made.push(key);
        return key;
      });
    await Promise.all([get('a', 4), get('a', 4), get('b', 4)]);
    await get('a', 4);
    await get('c', 4);
    expect([cache.held, cache.peak]).toEqual([8, 8]);
    await get('a', 4);
    await get('b', 4);
    expect(made).toEqual(['a', 'b', 'c', 'b']);
    await get('large', 11);
    expect(cache.held).toBe(8);
    await expect(cache.get('d', 2, async () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(cache.held).toBe(8);
  });
});
