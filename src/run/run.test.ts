import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readShardFile } from './compute.ts';
import { inProcess } from './driver.ts';
import { hashFile, publishFiles } from './files.ts';
import { openStorage } from './open-storage.ts';
import type { RunProgress } from './progress.ts';
import { runShards } from './run.ts';
import {
  canonicalJson,
  defaultShardSize,
  keyOf,
  type ShardProgram,
  type ShardPrograms,
  shardsOf,
  type Work,
} from './shard.ts';
import { getBlob, putBlob, removeBlobs } from './storage.ts';

const root = mkdtempSync(join(tmpdir(), 'wherefore-run-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let made = 0;
const freshFolder = () => join(root, `run-${made++}`);

/** Squares of the items times a factor, one byte each; counts the shards that it computes. */
const computed: number[] = [];
const squares: ShardProgram = {
  version: 1,
  async open({ work }) {
    const { factor, failsAt } = work.parameters as { factor: number; failsAt?: number };
    return {
      async compute({ index, from, to }, report) {
        if (index === failsAt) throw new Error(`shard ${index} fails`);
        computed.push(index);
        const bytes = Uint8Array.from({ length: to - from }, (_, i) => factor * (from + i) ** 2);
        report(to - from);
        return { files: { 'squares.bin': bytes }, cost: { forward: to - from, backward: 0, seconds: 0.5 } };
      },
      close: async () => undefined,
    };
  },
};
const programs: ShardPrograms = { squares: { load: async () => squares } };
const driver = inProcess({ programs, cache: join(root, 'cache') });
const work: Work = { program: 'squares', version: 1, parameters: { factor: 2 }, seed: 0, count: 10, shardSize: 4 };

async function squaresOf(folder: string, of = work): Promise<number[]> {
  const storage = await openStorage(folder);
  const { shards } = await runShards(of, { storage, driver });
  const parts = await Promise.all(shards.map((shard) => readShardFile(storage, shard, 'squares.bin')));
  return parts.flatMap((bytes) => [...bytes]);
}

describe('the shards of a work', () => {
  it('cover every item once, the last with what is left', () => {
    expect(shardsOf({ count: 10, shardSize: 4 })).toEqual([
      { index: 0, from: 0, to: 4 },
      { index: 1, from: 4, to: 8 },
      { index: 2, from: 8, to: 10 },
    ]);
    expect(() => shardsOf({ count: 0, shardSize: 4 })).toThrow('at least one item (got 0 items in shards of 4)');
  });

  it('are small where there is little, at most a thousand or so', () => {
    expect([1, 60, 2000, 10_000, 1_000_000].map(defaultShardSize)).toEqual([4, 4, 5, 25, 256]);
  });

  it('have a key that does not depend on the order of the parameters, and on everything else', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: undefined })).toBe('{"b":[1,{"c":"x","d":null}]}');
    const changed: Partial<Work>[] = [
      { program: 'other' },
      { version: 2 },
      { model: 'm' },
      { data: 'd' },
      { parameters: { factor: 3 } },
      { seed: 1 },
      { count: 11 },
      { shardSize: 5 },
    ];
    expect(new Set([work, ...changed.map((change) => ({ ...work, ...change }))].map(keyOf)).size).toBe(9);
    expect(keyOf({ ...work, parameters: { factor: 2, other: undefined } })).toBe(keyOf(work));
  });
});

describe('a run', () => {
  // 2 · i²: 0, 2, 8, 18, 32, 50, 72, 98, 128, 162
  const expected = [0, 2, 8, 18, 32, 50, 72, 98, 128, 162];

  it('computes all shards, tells how far it is, and adds up the cost', async () => {
    const storage = await openStorage(freshFolder());
    const told: RunProgress[] = [];
    const { shards, cost } = await runShards(work, { storage, driver, onProgress: (one) => told.push(one) });
    expect(cost).toEqual({ forward: 10, backward: 0, seconds: 1.5 });
    expect(shards.map(({ from, to }) => [from, to])).toEqual([
      [0, 4],
      [4, 8],
      [8, 10],
    ]);
    expect(told.at(-1)).toMatchObject({ stage: 'squares', done: 10, total: 10, found: 0, secondsLeft: 0 });
    expect(told.map(({ done }) => done)).toEqual([4, 4, 8, 8, 10, 10]);
    expect(await squaresOf(storage.url)).toEqual(expected);
  });

  it('computes nothing twice, and what is missing or was of another work anew', async () => {
    const folder = freshFolder();
    await squaresOf(folder);
    computed.length = 0;
    expect(await squaresOf(folder)).toEqual(expected);
    expect(computed).toEqual([]);
    rmSync(join(folder, 'shards', '000001.json'));
    expect(await squaresOf(folder)).toEqual(expected);
    expect(computed).toEqual([1]);
    expect(await squaresOf(folder, { ...work, parameters: { factor: 1 } })).toEqual(expected.map((one) => one / 2));
  });

  it('keeps the shards that were done before one failed or the run was cancelled', async () => {
    const folder = freshFolder();
    const storage = await openStorage(folder);
    await expect(runShards({ ...work, parameters: { factor: 2, failsAt: 2 } }, { storage, driver })).rejects.toThrow(
      'shard 2 fails',
    );
    expect(readdirSync(join(folder, 'shards')).filter((name) => name.endsWith('.json'))).toHaveLength(2);
    const stopped = freshFolder();
    const end = new AbortController();
    const cancelled = runShards(work, {
      storage: await openStorage(stopped),
      driver,
      signal: end.signal,
      onProgress: ({ done }) => done >= 4 && end.abort(),
    });
    await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' });
    expect(readdirSync(join(stopped, 'shards'))).toEqual(['000000.json', '000000.squares.bin']);
    expect(await squaresOf(stopped)).toEqual(expected);
  });

  it('gives a shard the parts that were made of it before, and removes them with the last', async () => {
    const made: string[] = [];
    let isKilled = true;
    const program: ShardProgram = {
      version: 1,
      open: async () => ({
        async compute({ from, to }, _, { parts }) {
          const bytes = new Uint8Array(to - from);
          for (let item = from; item < to; item++) {
            let part = await parts.read(`${item}`);
            if (!part) {
              if (item === 6 && isKilled) throw new Error('killed');
              part = Uint8Array.of(item * item);
              await parts.write(`${item}`, part);
              made.push(`${item}`);
            }
            bytes.set(part, item - from);
          }
          return { files: { 'squares.bin': bytes }, cost: { forward: 0, backward: 0, seconds: 0 } };
        },
        close: async () => undefined,
      }),
    };
    const inParts = inProcess({ programs: { squares: { load: async () => program } }, cache: join(root, 'cache') });
    const storage = await openStorage(freshFolder());
    await expect(runShards(work, { storage, driver: inParts })).rejects.toThrow('killed');
    expect((await storage.list('parts/')).sort()).toEqual(['parts/000001/4', 'parts/000001/5']);
    isKilled = false;
    const { shards } = await runShards(work, { storage, driver: inParts });
    expect(made).toEqual(Array.from({ length: 10 }, (_, item) => `${item}`));
    expect(await storage.list('parts/')).toEqual([]);
    expect([...(await readShardFile(storage, shards[1], 'squares.bin'))]).toEqual([16, 25, 36, 49]);
  });

  it('gives a shard of a chained work the file of the one before', async () => {
    const sums: ShardProgram = {
      version: 1,
      open: async () => ({
        async compute({ from, to }, _, { before }) {
          let sum = (await before('sum.bin'))?.[0] ?? 0;
          for (let item = from; item < to; item++) sum += item;
          return { files: { 'sum.bin': Uint8Array.of(sum) }, cost: { forward: 0, backward: 0, seconds: 0 } };
        },
        close: async () => undefined,
      }),
    };
    const summing = inProcess({ programs: { squares: { load: async () => sums } }, cache: join(root, 'cache') });
    const storage = await openStorage(freshFolder());
    const chained: Work = { ...work, chained: true };
    const { shards } = await runShards(chained, { storage, driver: summing });
    const last = async () => (await readShardFile(storage, shards[2], 'sum.bin'))[0];
    expect(await last()).toBe(45);
    await storage.remove('shards/000002.json');
    writeFileSync(join(storage.url, 'shards/000001.sum.bin'), Uint8Array.of(1));
    await expect(runShards(chained, { storage, driver: summing })).rejects.toThrow('it is not what its record says');
  });

  it('notices a file that was changed, and a record that is damaged', async () => {
    const folder = freshFolder();
    await squaresOf(folder);
    writeFileSync(join(folder, 'shards', '000001.squares.bin'), 'other');
    await expect(squaresOf(folder)).rejects.toThrow('it is not what its record says');
    writeFileSync(join(folder, 'shards', '000001.json'), '{');
    await expect(squaresOf(folder)).rejects.toThrow('its record cannot be read');
  });

  it('removes what a killed process left, and nothing of one that is at work', async () => {
    const folder = freshFolder();
    await squaresOf(folder);
    // No process has the number 4194305: it is above the greatest that Linux gives.
    const host = /-([0-9a-f]{8})-[0-9a-f]{8}\.tmp$/;
    const { temporaryPath } = await import('../data/files/temporary.ts');
    const own = temporaryPath(join(folder, 'shards', 'x'));
    const left = own.replace(`.${process.pid}-`, '.4194305-');
    expect(own).toMatch(host);
    for (const path of [own, left]) writeFileSync(path, '');
    await squaresOf(folder);
    expect([existsSync(own), existsSync(left)]).toEqual([true, false]);
  });

  it('names a program that is not there, and refuses one of another version', async () => {
    const storage = await openStorage(freshFolder());
    await expect(runShards({ ...work, program: 'square' }, { storage, driver })).rejects.toThrow(
      'did you mean "squares"',
    );
    await expect(runShards({ ...work, version: 2 }, { storage, driver })).rejects.toThrow(
      'another version of "squares" (got 1, expected 2)',
    );
  });
});

describe('content by hash', () => {
  it('is checked when it is read', async () => {
    const folder = freshFolder();
    const storage = await openStorage(folder);
    const hash = await putBlob(storage, 'content');
    expect(new TextDecoder().decode(await getBlob(storage, hash))).toBe('content');
    writeFileSync(join(folder, 'blobs', hash), 'changed');
    await expect(getBlob(storage, hash)).rejects.toThrow('not what its hash says');
    await removeBlobs(storage);
    await expect(getBlob(storage, hash)).rejects.toThrow('content is missing');
  });

  it('gives workers the files that they do not see, beside each other', async () => {
    const [folder, here] = [freshFolder(), freshFolder()];
    const storage = await openStorage(folder);
    await putBlob(await openStorage(here), 'x');
    const paths = ['model.bin', 'beside.txt', 'item.png'].map((name) => join(here, name));
    for (const path of paths) writeFileSync(path, path.slice(-8));
    const files = await Promise.all(
      paths.map(async (path) => ({ path, hash: await hashFile(path), shared: !path.endsWith('.png') })),
    );
    await publishFiles(storage, files);
    const seen: string[] = [];
    const reading: ShardPrograms = {
      squares: {
        load: async () => ({
          version: 1,
          async open(job) {
            for (const path of [...paths, here, 'unlisted']) seen.push(await job.file(path));
            return squares.open(job);
          },
        }),
      },
    };
    const options = { storage, driver: inProcess({ programs: reading, cache: join(root, 'elsewhere') }) };
    await runShards(work, options);
    expect(seen).toEqual([...paths, here, 'unlisted']);
    rmSync(paths[1]);
    seen.length = 0;
    await runShards({ ...work, seed: 1 }, options);
    const moved = join(root, 'elsewhere', keyOf({ ...work, seed: 1 }));
    expect(seen).toEqual([join(moved, paths[0]), join(moved, paths[1]), paths[2], join(moved, here), 'unlisted']);
    expect(readFileSync(seen[1], 'utf8')).toBe('side.txt');
  });
});
