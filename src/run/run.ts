import { throwIfCancelled } from '../runtime/runtime.ts';
import { doneShards, readRecord, type ShardRecord } from './compute.ts';
import type { Driver } from './driver.ts';
import { progressOf, type RunProgress } from './progress.ts';
import { keyOf, shardsOf, type Work } from './shard.ts';
import type { RunStorage } from './storage.ts';

export interface RunShardsOptions {
  readonly storage: RunStorage;
  readonly driver: Driver;
  /** Cancels between shards, and asks those in progress to stop; what is done stays. */
  readonly signal?: AbortSignal;
  /** What is being done, for progress. Default: the name of the program. */
  readonly stage?: string;
  readonly onProgress?: (progress: RunProgress) => void;
}

/** The shards of a work that is done, in order, and what computing them cost, whenever that was. */
export interface FinishedShards {
  readonly shards: readonly ShardRecord[];
  readonly cost: { readonly forward: number; readonly backward: number; readonly seconds: number };
}

/**
 * Computes all shards of a work that its storage does not hold yet, and nothing twice: given the same work again, it
 * goes on where it was stopped or killed. First clears what killed processes left unfinished.
 * @throws WhereforeError `cancelled`; what a shard throws; `runtime` for a shard whose workers die again and again
 */
export async function runShards(
  work: Work,
  { storage, driver, signal = new AbortController().signal, stage = work.program, onProgress }: RunShardsOptions,
): Promise<FinishedShards> {
  const key = keyOf(work);
  const shards = shardsOf(work);
  await storage.clear();
  const progress = progressOf(stage, work.count, onProgress ?? (() => undefined));
  const listed = await doneShards(storage);
  const done = new Map<number, ShardRecord>();
  for (const { index } of shards) {
    const record = listed.has(index) ? await readRecord(storage, index) : undefined;
    if (record?.key === key) done.set(index, record);
  }
  progress.foundDone(shards.filter(({ index }) => done.has(index)));
  const missing = shards.filter(({ index }) => !done.has(index));
  if (missing.length > 0) {
    throwIfCancelled(signal);
    try {
      await driver.run(missing, { work, storage, signal, ...progress });
    } finally {
      // Workers that died left what they were writing.
      await storage.clear();
    }
    throwIfCancelled(signal);
  }
  const records: ShardRecord[] = [];
  const cost = { forward: 0, backward: 0, seconds: 0 };
  for (const { index } of shards) {
    const record = done.get(index) ?? ((await readRecord(storage, index)) as ShardRecord);
    for (const kind of ['forward', 'backward', 'seconds'] as const) cost[kind] += record.measured.cost[kind];
    records.push(record);
  }
  return { shards: records, cost };
}
