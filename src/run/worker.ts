import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ErrorCode, WhereforeError } from '../errors.ts';
import { createComputer } from './compute.ts';
import { openStorage } from './open-storage.ts';
import type { Shard, ShardPrograms, Work } from './shard.ts';

/** A shard for a process of the pool. */
export interface PoolTask {
  readonly work: Work;
  readonly shard: Shard;
  readonly storage: string;
}

/** An error that went through a pipe. */
export interface PlainError {
  readonly code: ErrorCode | undefined;
  readonly what: string;
  readonly details: {
    readonly where?: string;
    readonly got?: string;
    readonly expected?: string;
    readonly fix?: string;
  };
  readonly stack?: string;
}

/** What a process of the pool answers. */
export type PoolReply =
  | { readonly ready: true }
  | { readonly progressed: number }
  | { readonly finished: 'computed' | 'found' }
  | { readonly failed: PlainError };

/** Where a machine keeps files of others. */
export const fileCache = join(tmpdir(), 'wherefore-files');

/**
 * What a process of the pool does: computes the shards that it is sent, one at a time, until the sender goes away. A
 * worker file is these two lines: the table of programs, and this call.
 */
export function serveShards(programs: ShardPrograms): void {
  const send = (reply: PoolReply) => process.send?.(reply, undefined, undefined, () => undefined);
  const computer = createComputer({ programs, cache: fileCache });
  const signal = new AbortController().signal;
  process.on('disconnect', () => process.exit(0));
  // A terminal sends its signals to all processes; the commanding one decides.
  for (const name of ['SIGINT', 'SIGHUP'] as const) process.on(name, () => undefined);
  process.on('message', async ({ work, shard, storage }: PoolTask) => {
    try {
      const task = { work, shard, storage: await openStorage(storage) };
      const report = (progressed: number) => send({ progressed });
      send({ finished: await computer.compute(task, { signal, report }) });
    } catch (error) {
      send({ failed: plainError(error) });
    }
  });
  send({ ready: true });
}

export function plainError(error: unknown): PlainError {
  if (!(error instanceof WhereforeError)) {
    const stack = error instanceof Error ? error.stack : undefined;
    return { code: undefined, what: error instanceof Error ? error.message : String(error), details: {}, stack };
  }
  const { where, got, expected, fix } = error.details;
  return { code: error.code, what: error.what, details: { where, got, expected, fix } };
}

export function errorOf({ code, what, details, stack }: PlainError): Error {
  if (code) return new WhereforeError(code, what, details);
  return Object.assign(new Error(what), { stack });
}
