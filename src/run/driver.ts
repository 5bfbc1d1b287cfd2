import { throwIfCancelled } from '../runtime/runtime.ts';
import { type ComputerOptions, createComputer } from './compute.ts';
import type { Shard, Work } from './shard.ts';
import type { RunStorage } from './storage.ts';

/** What a driver is told and tells. */
export interface DriveContext {
  readonly work: Work;
  readonly storage: RunStorage;
  readonly signal: AbortSignal;
  /** Items of a shard that are done so far. */
  readonly progressed: (shard: Shard, items: number) => void;
  readonly finished: (shard: Shard, how: 'computed' | 'found') => void;
}

/**
 * Sees to it that every shard lies in the storage when it resolves, whoever computes it; a shard that fails fails all.
 * Two drivers give the same bits.
 */
export interface Driver {
  /** Shards that it works on at once, where it knows. */
  readonly atOnce: number;
  run(shards: readonly Shard[], context: DriveContext): Promise<void>;
}

/** Computes shards in this process, one after another. */
export function inProcess(options: ComputerOptions): Driver {
  return {
    atOnce: 1,
    async run(shards, { work, storage, signal, progressed, finished }) {
      const computer = createComputer(options);
      try {
        for (const shard of shards) {
          throwIfCancelled(signal);
          const report = (items: number) => progressed(shard, items);
          finished(shard, await computer.compute({ work, shard, storage }, { signal, report }));
        }
      } finally {
        await computer.close();
      }
    },
  };
}
