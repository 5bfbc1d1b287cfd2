import { join, resolve } from 'node:path';
import { doneShards, partsFolder } from '../run/compute.ts';
import type { Driver } from '../run/driver.ts';
import { type ListedFile, publishFiles, withdrawFiles } from '../run/files.ts';
import { openStorage } from '../run/open-storage.ts';
import { beginRun } from '../run/record.ts';
import { type FinishedShards, runShards } from '../run/run.ts';
import { keyOf, shardsOf, type Work } from '../run/shard.ts';
import { putBlob, type RunStorage, removeBlobs } from '../run/storage.ts';
import { type DriverOptions, storageOf } from './driver-options.ts';
import { formatDuration, type Progress } from './progress.ts';

/** The command that works in shards. */
export interface ShardSession {
  readonly signal: AbortSignal;
  /** As it could be typed again, and its words as they were typed. */
  readonly command: string;
  readonly words: readonly string[];
  readonly progress: Progress;
  readonly say: (text: string) => void;
}

export interface ShardedRun {
  readonly work: Work;
  /** The content behind `work.data`. */
  readonly data: string;
  /** Other contents that programs ask for by their hashes. */
  readonly blobs?: readonly Uint8Array[];
  /** Files that workers need; published where they may be on other machines. */
  readonly files: readonly ListedFile[];
  readonly driver: Driver;
  readonly options: DriverOptions & { readonly out: string };
  /** What its items are called. Default `inputs`. */
  readonly items?: string;
}

/** A run whose shards all lie in its folder. */
export interface WholeRun {
  readonly folder: string;
  readonly storage: RunStorage;
  readonly finished: FinishedShards;
  readonly key: string;
  /** Shards that were there before, by their indices. */
  readonly found: ReadonlySet<number>;
}

/**
 * Computes a work in the folder `<out>/<program>-<key>`, or goes on with it, and brings all its shards there. What was
 * stored for the workers alone is removed.
 */
export async function shardedRun(
  { work, data, blobs = [], items = 'inputs', files, driver, options }: ShardedRun,
  { signal, command, words, progress, say }: ShardSession,
): Promise<WholeRun> {
  const key = keyOf(work);
  const id = `${work.program}-${key.slice(0, 12)}`;
  const folder = join(options.out, id);
  const own = await openStorage(resolve(folder));
  const shards = shardsOf(work).length;
  const isWhole = (await doneShards(own)).size === shards;
  const storage = isWhole ? own : await storageOf(options, folder, id);
  const found = await doneShards(storage);
  await beginRun(folder, {
    ...{ what: work.program, started: new Date().toISOString(), command, words: [...words] },
    ...{ folder: process.cwd(), storage: storage.url, key, items: work.count, shards },
  });
  await putBlob(storage, data);
  if (!isWhole) for (const content of blobs) await putBlob(storage, content);
  if (options.queue !== undefined && !isWhole) await publishFiles(storage, files);
  let told = false;
  const finished = await runShards(work, {
    storage,
    driver,
    signal,
    onProgress: ({ done, total, found: before, secondsLeft }) => {
      if (before > 0 && !told) {
        told = true;
        say(`goes on: ${before.toLocaleString('en')} of ${total.toLocaleString('en')} ${items} are done`);
      }
      const left = secondsLeft === undefined ? '' : `, about ${formatDuration(secondsLeft)} left`;
      progress.update(
        done / total,
        () => `${done.toLocaleString('en')} of ${total.toLocaleString('en')} ${items}${left}`,
      );
    },
  });
  progress.clear();
  await removeBlobs(storage);
  await storage.removeFolder(partsFolder);
  await withdrawFiles(storage);
  if (storage.url === own.url) return { folder, storage, finished, key, found };
  const names = await storage.list('shards/');
  // Records last, as they are written: a shard without one is not there.
  names.sort((a, b) => Number(a.endsWith('.json')) - Number(b.endsWith('.json')));
  for (const name of names) await own.write(name, (await storage.read(name)) as Uint8Array);
  for (const name of names) await storage.remove(name);
  return { folder, storage: own, finished, key, found };
}
