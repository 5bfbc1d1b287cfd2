import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { WhereforeError } from '../errors.ts';
import { throwIfCancelled } from '../runtime/runtime.ts';
import type { DriveContext, Driver } from './driver.ts';
import type { Shard } from './shard.ts';
import { errorOf, type PoolReply, type PoolTask } from './worker.ts';

/** How often a shard is given out again after the process that computed it died. */
const mostDeaths = 3;

export interface PoolOptions {
  /** The worker file: a module that calls `serveShards`. */
  readonly worker: URL;
  /** Default: the processors that this process may use. */
  readonly processes?: number;
}

/**
 * Computes shards in processes of this machine, each with one thread of the runtime. A shard is given out when a process
 * is free for it; one whose process dies is given out again, {@link mostDeaths} times at most.
 */
export function localPool({ worker, processes = availableParallelism() }: PoolOptions): Driver {
  return {
    atOnce: processes,
    run(shards, context) {
      throwIfCancelled(context.signal);
      return new Promise((resolve, reject) => pool(fileURLToPath(worker), processes, shards, context, resolve, reject));
    },
  };
}

function pool(
  program: string,
  processes: number,
  shards: readonly Shard[],
  { work, storage, signal, progressed, finished }: DriveContext,
  resolve: () => void,
  reject: (error: unknown) => void,
): void {
  const waiting = [...shards];
  const deaths = new Map<number, number>();
  const busy = new Map<ChildProcess, Shard | undefined>();
  let settled = false;
  const settle = (end: () => void) => {
    if (settled) return;
    settled = true;
    signal.removeEventListener('abort', stop);
    // All have to be gone, so that nothing is written any more when the caller goes on.
    const gone = [...busy.keys()].map((child) => new Promise((ended) => child.once('exit', ended)));
    for (const child of busy.keys()) child.kill('SIGKILL');
    void Promise.all(gone).then(end);
  };
  const fail = (error: unknown) => settle(() => reject(error));
  const stop = () => fail(new WhereforeError('cancelled', 'cancelled'));
  const give = (child: ChildProcess) => {
    const shard = waiting.shift();
    busy.set(child, shard);
    if (shard) child.send({ work, shard, storage: storage.url } satisfies PoolTask, () => undefined);
    else if ([...busy.values()].every((one) => one === undefined)) settle(resolve);
  };
  const answered = (child: ChildProcess, reply: PoolReply) => {
    const shard = busy.get(child);
    if ('failed' in reply) return fail(errorOf(reply.failed));
    if (shard && 'progressed' in reply) return progressed(shard, reply.progressed);
    if (shard && 'finished' in reply) finished(shard, reply.finished);
    give(child);
  };
  const died = (child: ChildProcess, how: string) => {
    const shard = busy.get(child);
    busy.delete(child);
    if (settled) return;
    if (!shard)
      return fail(new WhereforeError('runtime', 'a worker process ended before it was asked anything', { got: how }));
    const count = (deaths.get(shard.index) ?? 0) + 1;
    deaths.set(shard.index, count);
    if (count > mostDeaths) return fail(deadly(shard, how));
    progressed(shard, 0);
    waiting.unshift(shard);
    begin();
  };
  const begin = () => {
    const child = fork(program, [], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], serialization: 'advanced' });
    busy.set(child, undefined);
    child.on('message', (reply: PoolReply) => answered(child, reply));
    child.on('exit', (code, killer) => died(child, killer ?? `exit code ${code}`));
    child.on('error', (error) => fail(error));
  };
  signal.addEventListener('abort', stop);
  for (let i = 0; i < (work.chained ? 1 : Math.min(processes, shards.length)); i++) begin();
}

const deadly = ({ from, to }: Shard, how: string) =>
  new WhereforeError('runtime', `a part of the work ends the process that computes it, ${mostDeaths + 1} times now`, {
    where: `items ${from} to ${to - 1}`,
    got: how,
    fix: 'look at these inputs, and whether the memory suffices',
  });
