import * as z from 'zod/mini';
import { WhereforeError } from '../errors.ts';
import type { RunStorage } from './storage.ts';

/** `shards/000012`: the number in six digits, so that names sort as numbers do. */
const shardName = (index: number): string => `shards/${String(index).padStart(6, '0')}`;

export const recordName = (index: number): string => `${shardName(index)}.json`;

/** The name of one file of a shard in the storage of the run. */
export const fileOfShard = (index: number, file: string): string => `${shardName(index)}.${file}`;

const record = z.object({
  key: z.string(),
  index: z.number(),
  from: z.number(),
  to: z.number(),
  files: z.record(z.string(), z.object({ bytes: z.number(), sha256: z.string() })),
  /**
   * What differs from time to time: every other byte of a run is determined by its work. Passes are among it, as the
   * first inputs of a process take some for what later ones know already.
   */
  measured: z.object({
    cost: z.object({ forward: z.number(), backward: z.number(), seconds: z.number() }),
    more: z.optional(z.json()),
  }),
});

/** What is written last of a shard: with it the shard is whole. */
export type ShardRecord = z.infer<typeof record>;

/** Indices of the shards that a storage holds whole. */
export async function doneShards(storage: RunStorage): Promise<Set<number>> {
  const names = await storage.list('shards/');
  return new Set(names.flatMap((name) => (/^shards\/\d{6,}\.json$/.test(name) ? [Number(name.slice(7, -5))] : [])));
}

/** @throws WhereforeError `invalid-data` for a damaged record; undefined where the shard is not there */
export async function readRecord(storage: RunStorage, index: number): Promise<ShardRecord | undefined> {
  const bytes = await storage.read(recordName(index));
  if (!bytes) return undefined;
  try {
    return record.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    throw damaged(storage, recordName(index), 'its record cannot be read', cause);
  }
}

/**
 * One file of a shard, checked against the record.
 * @param hash SHA-256 of bytes, in hexadecimal
 * @throws WhereforeError `invalid-data`
 */
export async function checkedShardFile(
  storage: RunStorage,
  shard: ShardRecord,
  file: string,
  hash: (bytes: Uint8Array) => string,
): Promise<Uint8Array> {
  const name = fileOfShard(shard.index, file);
  const [stated, bytes] = [shard.files[file], await storage.read(name)];
  if (stated && bytes && hash(bytes) === stated.sha256) return bytes;
  throw damaged(storage, name, bytes ? 'it is not what its record says' : 'it is missing');
}

/** A part of a run that is not what it should be. */
export function damaged(storage: RunStorage, name: string, got: string, cause?: unknown): WhereforeError {
  return new WhereforeError('invalid-data', 'a part of a run is damaged', {
    where: `${storage.url}/${name}`,
    got,
    fix: `remove ${name.replace(/\.[^/]*$/, '.json')} and give the command again: it is computed anew`,
    cause,
  });
}
