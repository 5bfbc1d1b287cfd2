import type { ShardPrograms } from '../run/shard.ts';

/** What can be computed in shards. A program is loaded when it is first needed. */
export const shardPrograms = {
  adapt: { load: async () => (await import('./adapt-shards.ts')).adaptProgram },
  explain: { load: async () => (await import('./explain-shards.ts')).explainProgram },
  retrain: { load: async () => (await import('./retrain-shards.ts')).retrainProgram },
  evaluate: { load: async () => (await import('./evaluate-shards.ts')).evaluateProgram },
} as const satisfies ShardPrograms;
