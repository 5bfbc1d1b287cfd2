import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { type Driver, inProcess } from '../run/driver.ts';
import { openStorage } from '../run/open-storage.ts';
import { localPool } from '../run/pool.ts';
import { bullQueue } from '../run/queue.ts';
import type { RunStorage } from '../run/storage.ts';
import { localPrograms } from './shard-programs.ts';

/** What {@link withDriver} adds to a command. */
export interface DriverOptions {
  readonly queue?: string;
  readonly storage?: string;
}

/** Where shards are computed and kept. */
export function withDriver(command: Command): Command {
  return command
    .option('--queue <address>', 'computes shards by workers at redis://HOST:PORT (see wherefore worker)')
    .option(
      '--storage <place>',
      'where workers put results: a folder that all of them see, or s3://BUCKET/PREFIX; default --out',
    );
}

/** Computes shards at the queue that was named, else in a process for each thread that may be used. */
export function driverOf(
  { queue, threads = availableParallelism() }: DriverOptions & { readonly threads?: number },
  onNote: (text: string) => void,
): Driver {
  if (queue !== undefined) return bullQueue({ url: queue, onNote });
  // A worker file lies beside this one, as a program of its own.
  const worker = new URL(import.meta.url.replace(/driver-options(\.[jt]s)$/, 'shard-worker$1'));
  return localPool({ worker, processes: threads });
}

/** Where the shards of a run lie: in its folder, or below the storage that was named. */
export function storageOf({ storage }: DriverOptions, folder: string, id: string): Promise<RunStorage> {
  if (storage === undefined) return openStorage(resolve(folder));
  return openStorage(storage.includes('://') ? `${storage.replace(/\/+$/, '')}/${id}` : resolve(join(storage, id)));
}

/**
 * As {@link driverOf}, but a single shard, or work for a single process, is computed in this one: a pool would only have
 * to be started.
 */
export function smallDriverOf(
  shards: number,
  options: DriverOptions & { readonly threads?: number },
  onNote: (text: string) => void,
): Driver {
  if (options.queue === undefined && (shards === 1 || options.threads === 1))
    return inProcess({ programs: localPrograms, threads: options.threads, cache: '' });
  return driverOf(options, onNote);
}
