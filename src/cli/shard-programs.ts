import type { ShardPrograms } from '../run/shard.ts';

/** What can be computed in shards by anyone who is asked to. A program is loaded when it is first needed. */
export const shardPrograms = {
  adapt: { load: async () => (await import('./adapt-shards.ts')).adaptProgram },
  explain: { load: async () => (await import('./explain-shards.ts')).explainProgram },
  retrain: { load: async () => (await import('./retrain-shards.ts')).retrainProgram },
  gradients: { load: async () => (await import('./gradient-shards.ts')).gradientProgram },
  'trace-index': { load: async () => (await import('./trace-index-shards.ts')).traceIndexProgram },
  evaluate: { load: async () => (await import('./evaluate-shards.ts')).evaluateProgram },
} as const satisfies ShardPrograms;

/** With programs that run commands of the user, which no queue may ask a worker for unless its owner allows it. */
export const localPrograms = {
  ...shardPrograms,
  'trace-verify': { load: async () => (await import('./trace-verify-shards.ts')).traceVerifyProgram },
  'retrain-command': { load: async () => (await import('./command-shards.ts')).commandProgram },
} as const satisfies ShardPrograms;
