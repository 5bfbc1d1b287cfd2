import type { ShardPrograms } from '../run/shard.ts';

/** What can be computed in shards. A program is loaded when it is first needed. */
export const shardPrograms = {
  explain: { load: async () => (await import('./explain-shards.ts')).explainProgram },
} as const satisfies ShardPrograms;
