import { setTimeout } from 'node:timers/promises';
import { WhereforeError } from '../errors.ts';
import { throwIfCancelled } from '../runtime/runtime.ts';
import { doneShards } from './compute.ts';
import type { DriveContext, Driver } from './driver.ts';
import { optionalPackage } from './optional-package.ts';
import { connectRedis, type RedisClient, serverStart } from './redis.ts';
import { keyOf, type Shard } from './shard.ts';
import { errorOf, type PoolTask } from './worker.ts';

/** The queue that all commands and workers share. */
export const queueName = 'wherefore-shards';

/** What is used of `bullmq`. */
export interface BullMq {
  readonly Queue: new (
    name: string,
    options: { readonly connection: RedisClient },
  ) => {
    add(name: string, data: PoolTask, options: object): Promise<unknown>;
    getJobs(states: readonly string[]): Promise<readonly (QueuedJob | undefined)[]>;
    getWorkersCount(): Promise<number>;
    remove(id: string): Promise<number>;
    on(event: 'error', listener: (error: Error) => void): unknown;
    close(): Promise<void>;
  };
  readonly Worker: new (
    name: string,
    process: (job: QueuedJob, token: string) => Promise<unknown>,
    options: object,
  ) => {
    on(event: 'error', listener: (error: Error) => void): unknown;
    waitUntilReady(): Promise<unknown>;
    close(force?: boolean): Promise<void>;
  };
  readonly DelayedError: new () => Error;
  readonly UnrecoverableError: new (message: string) => Error;
}

export interface QueuedJob {
  readonly id?: string;
  readonly data: PoolTask;
  readonly failedReason?: string;
  moveToDelayed(time: number, token: string): Promise<void>;
}

/** A shard in the queue; a second one of the same name is not added. */
const jobId = (key: string, { index }: Shard): string => `${key}-${index}`;

/** Under this name in Redis stands the worker that computes a shard, renewed while it does. */
export const claimName = (key: string, { index }: Shard): string => `wherefore-claim:${key}:${index}`;

/** Shards that lie in the queue at once: the rest waits here. */
const mostQueued = 200;

/** Milliseconds between two looks at the storage and the queue. */
const lookEvery = 400;

/** Milliseconds in which workers tell a server that was started anew what they are computing. */
const returnPatience = 4000;

export interface QueueOptions {
  /** `redis://HOST:PORT` */
  readonly url: string;
  /** Called with what a person should know: that no worker listens, that the queue was lost. */
  readonly onNote?: (text: string) => void;
}

/**
 * Computes shards by the workers that listen at a Redis server (`wherefore worker`). What is done is what lies in the
 * storage: a queue that is lost with its server is filled anew with what is missing, without what workers claim.
 */
export function bullQueue({ url, onNote = () => undefined }: QueueOptions): Driver {
  return {
    atOnce: 1,
    async run(shards, context) {
      const { Queue } = await optionalPackage<BullMq>('bullmq');
      const client = await connectRedis(url);
      const queue = new Queue(queueName, { connection: client });
      queue.on('error', () => undefined);
      try {
        await command(queue, client, shards, context, onNote);
      } finally {
        client.disconnect();
      }
    },
  };
}

type Queue = InstanceType<BullMq['Queue']>;

async function command(
  queue: Queue,
  client: RedisClient,
  shards: readonly Shard[],
  context: DriveContext,
  note: (text: string) => void,
): Promise<void> {
  const { work, storage, signal, finished } = context;
  const key = keyOf(work);
  const missing = new Map(shards.map((shard) => [jobId(key, shard), shard]));
  for (const job of await queue.getJobs(['failed'])) if (job?.id && missing.has(job.id)) await queue.remove(job.id);
  let server = await serverStart(client);
  let quietUntil = 0;
  let told = '';
  const tell = (text: string) => {
    if (text !== told) note(text);
    told = text;
  };
  const cancel = async () => {
    for (const id of missing.keys()) await queue.remove(id).catch(() => 0);
    throwIfCancelled(signal);
  };
  while (missing.size > 0) {
    if (signal.aborted) await Promise.race([cancel(), setTimeout(1000)]);
    throwIfCancelled(signal);
    const done = await doneShards(storage);
    for (const [id, shard] of missing) {
      if (!done.has(shard.index)) continue;
      missing.delete(id);
      finished(shard, 'computed');
    }
    const now = await serverStart(client);
    if (now !== undefined && now !== server) {
      tell('the queue was started anew: what it lost is given to it again');
      [server, quietUntil] = [now, Date.now() + returnPatience];
    }
    if (now !== undefined && Date.now() >= quietUntil && missing.size > 0)
      await fill(queue, client, key, missing, context);
    if (now !== undefined && missing.size > 0 && (await queue.getWorkersCount()) === 0)
      tell('no worker listens: start some with wherefore worker and the same address');
    if (missing.size > 0) await setTimeout(lookEvery, undefined, { signal }).catch(() => undefined);
  }
}

/** Gives the queue what is missing and neither lies in it nor is claimed. @throws what computing a shard threw */
async function fill(
  queue: Queue,
  client: RedisClient,
  key: string,
  missing: ReadonlyMap<string, Shard>,
  { work, storage }: DriveContext,
): Promise<void> {
  for (const job of await queue.getJobs(['failed'])) {
    const shard = job?.id === undefined ? undefined : missing.get(job.id);
    if (shard) throw failureOf(job?.failedReason ?? '', shard);
  }
  const queued = new Set((await queue.getJobs(['waiting', 'active', 'delayed'])).map((job) => job?.id));
  let room = (work.chained ? 1 : mostQueued) - [...missing.keys()].filter((id) => queued.has(id)).length;
  for (const [jobId, shard] of missing) {
    if (room <= 0) return;
    if (queued.has(jobId)) continue;
    room--;
    if (await client.get(claimName(key, shard))) continue;
    const data: PoolTask = { work, shard, storage: storage.url };
    await queue.add(work.program, data, {
      jobId,
      attempts: 3,
      backoff: { type: 'fixed', delay: 1000 },
      removeOnComplete: true,
      removeOnFail: false,
    });
  }
}

function failureOf(reason: string, { from, to }: Shard): Error {
  if (reason.startsWith('{')) return errorOf(JSON.parse(reason));
  return new WhereforeError('runtime', 'a part of the work ends the workers that compute it, or cannot be stored', {
    where: `items ${from} to ${to - 1}`,
    got: reason,
    fix: 'look at these inputs, at the memory of the workers, and at the storage',
  });
}
