import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BuiltCommand, buildCommand } from '../../test/built-command.ts';
import { hasRedis, type RedisServer, startRedis } from '../../test/redis-server.ts';
import { runBits } from '../../test/run-bits.ts';
import { readShardFile } from './compute.ts';
import { type Driver, inProcess } from './driver.ts';
import { openStorage } from './open-storage.ts';
import { localPool } from './pool.ts';
import { bullQueue } from './queue.ts';
import { runShards } from './run.ts';
import type { ShardPrograms, Work } from './shard.ts';

// Work of several processes, some of which are killed.

const root = mkdtempSync(join(tmpdir(), 'wherefore-processes-'));
const children: ChildProcess[] = [];
let command: BuiltCommand;

/** Squares of the items, a pause for each; `fails` and `dies` name a shard. What the table of programs is to a worker. */
const table = `{
  squares: { load: async () => ({
    version: 1,
    async open({ work }) {
      const { pause, fails, dies } = work.parameters;
      return {
        async compute({ index, from, to }, report) {
          console.log('begins ' + index);
          if (index === dies) process.kill(process.pid, 'SIGKILL');
          const bytes = new Uint8Array(to - from);
          for (let i = from; i < to; i++) {
            await new Promise((resolve) => setTimeout(resolve, pause));
            bytes[i - from] = i * i;
            report(i - from + 1);
          }
          if (index === fails) throw new WhereforeError('invalid-data', 'no square', { where: 'item ' + from });
          return { files: { 'squares.bin': bytes }, cost: { forward: to - from, backward: 0, seconds: 0.1 } };
        },
        close: async () => undefined,
      };
    },
  }) },
  sums: { load: async () => ({
    version: 1,
    open: async () => ({
      async compute({ index, from, to }, _, { before }) {
        const sum = ((await before('sum.bin'))?.[0] ?? 0) + to - from;
        return { files: { 'sum.bin': Uint8Array.of(sum) }, cost: { forward: 0, backward: 0, seconds: 0 } };
      },
      close: async () => undefined,
    }),
  }) },
}`;

const work: Work = { program: 'squares', version: 1, parameters: { pause: 5 }, seed: 0, count: 120, shardSize: 4 };
/** Each shard adds its items to the sum of the one before. */
const chain: Work = { program: 'sums', version: 1, parameters: {}, seed: 0, count: 24, shardSize: 3, chained: true };
const folderOf = (name: string) => join(root, name);

async function lastSum(name: string, driver: Driver): Promise<number> {
  const storage = await openStorage(folderOf(name));
  const { shards } = await runShards(chain, { storage, driver });
  return (await readShardFile(storage, shards[shards.length - 1], 'sum.bin'))[0];
}

let expected: Record<string, string>;

beforeAll(async () => {
  command = await buildCommand();
  const { WhereforeError } = await import('../errors.ts');
  const programs = new Function('WhereforeError', `return ${table}`)(WhereforeError) as ShardPrograms;
  const storage = await openStorage(folderOf('alone'));
  await runShards({ ...work }, { storage, driver: inProcess({ programs, cache: folderOf('cache') }) });
  expected = runBits(storage.url);
  expect(Object.keys(expected)).toHaveLength(60);
}, 600_000);

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  command.remove();
  rmSync(root, { recursive: true, force: true });
});

const imports = "import { WhereforeError } from './dist/errors.js';\n";

describe('a pool of processes', () => {
  const worker = () => {
    const text = `${imports}import { serveShards } from './dist/run/worker.js';\nserveShards(${table});`;
    return pathToFileURL(command.writeProgram('pool-worker.mjs', text));
  };

  it('makes the same bits as one process', async () => {
    const storage = await openStorage(folderOf('pool'));
    await runShards(work, { storage, driver: localPool({ worker: worker(), processes: 2 }) });
    expect(runBits(storage.url)).toEqual(expected);
  });

  it('computes the shards of a chain one after another', async () => {
    expect(await lastSum('pool-chain', localPool({ worker: worker(), processes: 3 }))).toBe(24);
  });

  it('hands on what a shard throws', async () => {
    const storage = await openStorage(folderOf('failing'));
    const failing = runShards(
      { ...work, parameters: { pause: 1, fails: 3 } },
      { storage, driver: localPool({ worker: worker(), processes: 2 }) },
    );
    await expect(failing).rejects.toMatchObject({ code: 'invalid-data', message: 'item 12: no square' });
  });

  it('gives a shard whose process died to others, and not for ever', async () => {
    const storage = await openStorage(folderOf('dying'));
    const dying = runShards(
      { ...work, parameters: { pause: 1, dies: 2 } },
      { storage, driver: localPool({ worker: worker(), processes: 2 }) },
    );
    await expect(dying).rejects.toThrow('items 8 to 11: a part of the work ends the process that computes it, 4 times');
    expect(readdirSync(join(storage.url, 'shards')).filter((name) => name.includes('.tmp'))).toEqual([]);
  });

  it('leaves no process and no temporary file when it is cancelled, and goes on', async () => {
    const storage = await openStorage(folderOf('cancelled'));
    const end = new AbortController();
    const driver = localPool({ worker: worker(), processes: 2 });
    const cancelled = runShards(work, {
      storage,
      driver,
      signal: end.signal,
      onProgress: ({ done }) => done >= 40 && end.abort(),
    });
    await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' });
    expect(readdirSync(join(storage.url, 'shards')).filter((name) => name.includes('.tmp'))).toEqual([]);
    const found: number[] = [];
    await runShards(work, { storage, driver, onProgress: (progress) => found.push(progress.found) });
    expect(found.at(-1)).toBeGreaterThanOrEqual(32);
    expect(runBits(storage.url)).toEqual(expected);
  });
});

describe.skipIf(!hasRedis)('a queue', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.remove());

  /** A worker in a process of its own, and the shards that it began. */
  function startWorker() {
    const text = `${imports}import { serveQueue } from './dist/run/queue-worker.js';
      await serveQueue({ url: '${redis.url}', programs: ${table}, signal: new AbortController().signal,
        });`;
    const child = command.startProgram(text);
    children.push(child);
    const lines: string[] = [];
    child.stdout?.on('data', (data) => lines.push(...String(data).trim().split('\n')));
    return { child, begun: () => lines.filter((line) => line.startsWith('begins')) };
  }

  it('makes the same bits although workers are killed and the server is started anew, and computes nothing needlessly', async () => {
    const workers = [1, 2, 3, 4].map(startWorker);
    const storage = await openStorage(folderOf('queue'));
    const notes: string[] = [];
    let events = 0;
    const slow: Work = { ...work, parameters: { pause: 60 } };
    await runShards(slow, {
      storage,
      driver: bullQueue({ url: redis.url, onNote: (text) => notes.push(text) }),
      onProgress: ({ done }) => {
        if (events === 0 && done >= 20) workers[0].child.kill('SIGKILL');
        if (events === 1 && done >= 44) void redis.restart();
        if (events === 2 && done >= 64) workers[1].child.kill('SIGKILL');
        if (done >= [20, 44, 64][events]) events++;
      },
    });
    expect(events).toBe(3);
    expect(notes).toContain('the queue was started anew: what it lost is given to it again');
    // Its records have another key.
    const files = (bits: Record<string, string>) => Object.entries(bits).filter(([name]) => name.endsWith('.bin'));
    expect(files(runBits(storage.url))).toEqual(files(expected));
    // Two were killed, each at one shard: no other is begun twice.
    const begun = workers.flatMap((one) => one.begun());
    expect(new Set(begun).size).toBe(30);
    expect(begun.length).toBeLessThanOrEqual(32);
  }, 300_000);

  it('gives the shards of a chain out one after another', async () => {
    startWorker();
    startWorker();
    expect(await lastSum('queue-chain', bullQueue({ url: redis.url }))).toBe(24);
  }, 300_000);

  it('hands on what a shard throws', async () => {
    startWorker();
    const storage = await openStorage(folderOf('queue-failing'));
    const failing = runShards(
      { ...work, parameters: { pause: 1, fails: 3 } },
      { storage, driver: bullQueue({ url: redis.url }) },
    );
    await expect(failing).rejects.toMatchObject({ code: 'invalid-data', message: 'item 12: no square' });
  });

  it('says that a server cannot be reached, and what an address looks like', async () => {
    const storage = await openStorage(folderOf('nowhere'));
    const at = (url: string) => runShards(work, { storage, driver: bullQueue({ url }) });
    await expect(at('redis://user:secret@127.0.0.1:1')).rejects.toThrow(
      /^redis:\/\/127\.0\.0\.1:1: the queue cannot be reached .*Fix: check the address/,
    );
    await expect(at('http://127.0.0.1')).rejects.toThrow('this is no address of a queue');
  });
});
