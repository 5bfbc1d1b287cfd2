import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { WhereforeError } from '../errors.ts';
import { createComputer } from './compute.ts';
import { openStorage } from './open-storage.ts';
import { optionalPackage } from './optional-package.ts';
import { type BullMq, claimName, type QueuedJob, queueName } from './queue.ts';
import { connectRedis } from './redis.ts';
import { keyOf, type Shard, type ShardPrograms, type Work } from './shard.ts';
import { fileCache, plainError } from './worker.ts';

/** Milliseconds that a claim holds without being renewed, and between two renewals. */
const claimLasts = 5000;
const claimRenewed = 1000;

/** Milliseconds that a shard stays another's after its last sign: later than its claim, so that no two compute it. */
const lockLasts = 8000;

/** How often a shard is given out again after the worker that computed it died. */
const mostDeaths = 3;

export interface QueueWorkerOptions {
  readonly url: string;
  readonly programs: ShardPrograms;
  /** Threads of the runtime. Default 1. */
  readonly threads?: number;
  /** Where runs are kept as this machine sees it; default: where the commanding machine says. */
  readonly storage?: (url: string) => string;
  /** Ends the worker; what it is computing is given to another. */
  readonly signal: AbortSignal;
  readonly onReady?: () => void;
  readonly onShard?: (done: {
    readonly work: Work;
    readonly shard: Shard;
    readonly how: 'computed' | 'found';
    readonly seconds: number;
  }) => void;
  readonly onFailed?: (work: Work, shard: Shard, error: unknown) => void;
}

/** Computes shards of a queue, one at a time, until it is told to stop. @throws WhereforeError as {@link connectRedis} */
export async function serveQueue(options: QueueWorkerOptions): Promise<void> {
  const { url, programs, threads, signal, onReady, onShard, onFailed } = options;
  const bull = await optionalPackage<BullMq>('bullmq');
  const client = await connectRedis(url);
  const computer = createComputer({ programs, threads, cache: fileCache, enter: (folder) => process.chdir(folder) });
  const own = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;

  const compute = async ({ data }: QueuedJob, claim: string) => {
    const { work, shard } = data;
    const began = performance.now();
    const storage = await openStorage(options.storage?.(data.storage) ?? data.storage);
    // A server that was started anew knows nothing of what is being computed until it is told.
    const renew = setInterval(() => void client.set(claim, own, 'PX', claimLasts).catch(() => null), claimRenewed);
    try {
      const how = await computer.compute({ work, shard, storage }, { signal });
      onShard?.({ work, shard, how, seconds: (performance.now() - began) / 1000 });
    } finally {
      clearInterval(renew);
      await client.del(claim).catch(() => 0);
    }
  };
  const answer = async (job: QueuedJob, token: string) => {
    const { work, shard } = job.data;
    const claim = claimName(keyOf(work), shard);
    const later = async (milliseconds: number) => {
      await job.moveToDelayed(Date.now() + milliseconds, token);
      throw new bull.DelayedError();
    };
    if (signal.aborted) return later(0);
    // Another computes it at this moment: it comes again, and is found done then.
    if ((await client.set(claim, own, 'PX', claimLasts, 'NX')) === null) return later(claimRenewed);
    try {
      return await compute(job, claim);
    } catch (error) {
      if (signal.aborted) return later(0);
      onFailed?.(work, shard, error);
      const reason = JSON.stringify(plainError(error));
      // What is wrong with the work stays wrong; a storage that does not answer may answer again.
      if (error instanceof WhereforeError && error.code !== 'file-unreadable')
        throw new bull.UnrecoverableError(reason);
      throw new Error(reason, { cause: error });
    }
  };
  const worker = new bull.Worker(queueName, answer, {
    connection: client,
    concurrency: 1,
    lockDuration: lockLasts,
    stalledInterval: lockLasts / 2,
    maxStalledCount: mostDeaths,
  });
  // The connection comes back by itself.
  worker.on('error', () => undefined);
  try {
    await worker.waitUntilReady();
    onReady?.();
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve());
    });
    await worker.close();
  } finally {
    await computer.close();
    client.disconnect();
  }
}
