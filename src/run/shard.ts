import { hashOfFile } from '../data/files/file-hash.ts';
import { WhereforeError } from '../errors.ts';

/** Plain data: what JSON can hold. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * Long work over the items 0 … `count` − 1: everything that its results depend on, and nothing else. It names no path
 * of a machine, so that any process can compute any part of it.
 */
export interface Work {
  /** Name of the {@link ShardProgram}. */
  readonly program: string;
  /** The program's version: results of an older one are not mixed with it. */
  readonly version: number;
  /** SHA-256 of the model; absent where there is none. */
  readonly model?: string;
  /** SHA-256 of what says which data the items are; its content may be stored in the run (`RunStorage`, `blobs/`). */
  readonly data?: string;
  readonly parameters: Json;
  readonly seed: number;
  /** Items in all. */
  readonly count: number;
  /** Items of a shard; the last may have fewer. Part of the work, so that a later call cuts it at the same positions. */
  readonly shardSize: number;
  /** Whether each shard needs the one before it, as the epochs of a training do: they are computed in order. */
  readonly chained?: true;
}

/** The items `from` … `to` − 1 of a work. */
export interface Shard {
  readonly index: number;
  readonly from: number;
  readonly to: number;
}

/** What computing a shard cost, which may differ from time to time. */
export interface ShardCost {
  readonly forward: number;
  readonly backward: number;
  readonly seconds: number;
}

/** What a program makes of a shard: files by name, always the same bytes for the same work and shard. */
export interface ShardResult {
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly cost: ShardCost;
  /** What was measured and may differ from time to time, such as seconds by item. */
  readonly measured?: Json;
}

/** What a program is given to open a work with. */
export interface ShardJob {
  readonly work: Work;
  /** Threads that the runtime may use; 1 in every worker, so that results do not depend on the machine. */
  readonly threads: number;
  readonly signal: AbortSignal;
  /** Content by its SHA-256, checked. @throws WhereforeError `invalid-data` where it is missing or other */
  blob(hash: string): Promise<Uint8Array>;
  /**
   * Where a file or folder of the commanding side lies on this machine; what the run lists of it is checked against its
   * hash. A path that the run does not list is returned as it is.
   */
  file(path: string): Promise<string>;
}

/** What a shard finds in the storage of its run, besides what it is made of. */
export interface ShardPlace {
  /**
   * Parts of this shard that are done, by name: kept until it is whole, so that a shard that was killed need not begin
   * anew. The same part has the same content whenever it is made.
   */
  readonly parts: {
    read(name: string): Promise<Uint8Array | undefined>;
    write(name: string, content: Uint8Array): Promise<void>;
  };
  /**
   * A file of the shard before this one; undefined for the first. Only where the work is `chained`.
   * @throws WhereforeError `invalid-data` where it is missing or damaged
   */
  before(file: string): Promise<Uint8Array | undefined>;
}

/** A work that a process has opened: the model is loaded, the data is found. */
export interface OpenShards {
  /** Hash of the loaded model, which is checked against that of the work. */
  readonly model?: string;
  /** @param report Called with the number of items of the shard that are done. */
  compute(shard: Shard, report: (done: number) => void, place: ShardPlace): Promise<ShardResult>;
  close(): Promise<void>;
}

/** A kind of work, by name in a table of programs; `compute` is a pure function of the work and the shard. */
export interface ShardProgram {
  /** Raised whenever results change. */
  readonly version: number;
  open(job: ShardJob): Promise<OpenShards>;
}

/** Programs by name; each is loaded when it is first needed. */
export type ShardPrograms = Readonly<Record<string, { readonly load: () => Promise<ShardProgram> }>>;

/** The shards of a work in order. @throws WhereforeError `invalid-argument` for sizes that are no whole numbers from 1 */
export function shardsOf({ count, shardSize }: Pick<Work, 'count' | 'shardSize'>): Shard[] {
  for (const size of [count, shardSize]) {
    if (Number.isSafeInteger(size) && size >= 1) continue;
    throw new WhereforeError('invalid-argument', 'work is cut into shards of at least one item', {
      got: `${count} items in shards of ${shardSize}`,
    });
  }
  return Array.from({ length: Math.ceil(count / shardSize) }, (_, index) => ({
    index,
    from: index * shardSize,
    to: Math.min(count, (index + 1) * shardSize),
  }));
}

/** SHA-256 of everything that a work's results depend on: the same question finds its shards again. */
export const keyOf = (work: Work): string => sha256(canonicalJson({ ...work }));

/** JSON with the keys of every object in order, so that equal data has equal text. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter((entry): entry is [string, Json] => entry[1] !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, one]) => `${JSON.stringify(key)}:${canonicalJson(one)}`).join(',')}}`;
}

export const sha256 = (content: string | Uint8Array): string => hashOfFile([content]);

/** Items of a shard by how many there are: few enough that little is lost with a worker, some hundred shards. */
export function defaultShardSize(count: number): number {
  const most = 256;
  return Math.min(most, Math.max(4, Math.ceil(count / 400)));
}
