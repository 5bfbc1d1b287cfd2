// A process of the pool: computes shards for the command that started it.
import { serveShards } from '../run/worker.ts';
import { localPrograms } from './shard-programs.ts';

serveShards(localPrograms);
