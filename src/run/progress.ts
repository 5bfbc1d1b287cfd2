import type { Shard } from './shard.ts';

/** How far long work has come. */
export interface RunProgress {
  /** What is being done, in a word or two. */
  readonly stage: string;
  /** Items done, those found done from before among them. */
  readonly done: number;
  readonly total: number;
  /** Items that were found done. */
  readonly found: number;
  /** By what this call has computed so far; undefined before its first item. */
  readonly secondsLeft: number | undefined;
}

/** Counts items of shards in progress and tells how long the rest will take at the pace of this call. */
export function progressOf(
  stage: string,
  total: number,
  tell: (progress: RunProgress) => void,
  now: () => number = () => performance.now(),
) {
  const began = now();
  const partial = new Map<number, number>();
  let [found, finished] = [0, 0];
  const show = () => {
    let computed = finished;
    for (const items of partial.values()) computed += items;
    const done = found + computed;
    const secondsLeft = computed > 0 ? ((now() - began) / 1000 / computed) * (total - done) : undefined;
    tell({ stage, done, total, found, secondsLeft });
  };
  return {
    /** What was done before is told at once. */
    foundDone(shards: readonly Shard[]) {
      for (const { from, to } of shards) found += to - from;
      if (shards.length > 0) show();
    },
    /** Some items of a shard in progress are done; 0 when it begins anew. */
    progressed({ index }: Shard, items: number) {
      partial.set(index, items);
      show();
    },
    finished({ index, from, to }: Shard, how: 'computed' | 'found') {
      partial.delete(index);
      if (how === 'found') found += to - from;
      else finished += to - from;
      show();
    },
  };
}
