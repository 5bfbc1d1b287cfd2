import { isFolder } from '../data/files/folders.ts';
import { WhereforeError } from '../errors.ts';
import { unknownName } from '../nearest.ts';
import { filesOf } from './files.ts';
import { keyOf, type OpenShards, type Shard, type ShardPrograms, sha256, shardsOf, type Work } from './shard.ts';
import {
  checkedShardFile,
  damaged,
  doneShards,
  fileOfShard,
  readRecord,
  recordName,
  type ShardRecord,
} from './shard-records.ts';
import { getBlob, type RunStorage } from './storage.ts';

export { doneShards, fileOfShard, readRecord, type ShardRecord };

/** One file of a shard, checked against the record. @throws WhereforeError `invalid-data` */
export const readShardFile = (storage: RunStorage, shard: ShardRecord, file: string): Promise<Uint8Array> =>
  checkedShardFile(storage, shard, file, sha256);

/**
 * Takes over shards that an earlier work left in the same storage, where their items are what they were: nothing of them
 * is computed again.
 * @param isSame of a shard of the other work, whether this one would make the same files of it
 * @returns how many
 */
export async function adoptShards(
  storage: RunStorage,
  work: Work,
  isSame: (shard: Shard, measured: unknown) => boolean,
): Promise<number> {
  const key = keyOf(work);
  const listed = await doneShards(storage);
  let adopted = 0;
  for (const shard of shardsOf(work)) {
    const found = listed.has(shard.index) ? await readRecord(storage, shard.index) : undefined;
    if (!found || found.key === key || found.from !== shard.from || found.to !== shard.to) continue;
    if (!isSame(shard, found.measured.more)) continue;
    await storage.write(recordName(shard.index), `${JSON.stringify({ ...found, key })}\n`);
    adopted++;
  }
  return adopted;
}

/** Computes shards of any works, one at a time; keeps the last work open. */
export interface Computer {
  /** @returns whether it was computed, or found done (a shard may be delivered twice) */
  compute(
    task: { readonly work: Work; readonly shard: Shard; readonly storage: RunStorage },
    options: { readonly signal: AbortSignal; readonly report?: (done: number) => void },
  ): Promise<'computed' | 'found'>;
  close(): Promise<void>;
}

/** What a process computes shards with. */
export interface ComputerOptions {
  readonly programs: ShardPrograms;
  /** Threads of the runtime. Default 1. */
  readonly threads?: number;
  /** Where files of the commanding machine are put that this one lacks. */
  readonly cache: string;
  /** Makes a folder the current one: relative paths in the words of a command start where it was given. */
  readonly enter?: (folder: string) => void;
}

export function createComputer({ programs, threads = 1, cache, enter }: ComputerOptions): Computer {
  let open: { readonly key: string; readonly shards: OpenShards; readonly end: AbortController } | undefined;
  const close = async () => {
    const { shards, end } = open ?? {};
    open = undefined;
    end?.abort();
    await shards?.close();
  };
  const openWork = async (work: Work, storage: RunStorage): Promise<OpenShards> => {
    const key = `${storage.url} ${keyOf(work)}`;
    if (open?.key === key) return open.shards;
    await close();
    if (!Object.hasOwn(programs, work.program))
      throw unknownName('there is no program', work.program, Object.keys(programs));
    const program = await programs[work.program].load();
    if (program.version !== work.version) throw otherVersion(work, program.version);
    const end = new AbortController();
    const { file, folder } = await filesOf(storage, cache, keyOf(work));
    if (folder !== undefined && (await isFolder(folder))) enter?.(folder);
    const blob = (hash: string) => getBlob(storage, hash);
    const shards = await program.open({ work, threads, signal: end.signal, blob, file });
    open = { key, shards, end };
    if (work.model !== undefined && shards.model !== work.model) throw otherModel(work, shards.model);
    return shards;
  };
  return {
    async compute({ work, shard, storage }, { signal, report = () => undefined }) {
      const key = keyOf(work);
      if ((await readRecord(storage, shard.index))?.key === key) return 'found';
      const shards = await openWork(work, storage);
      const stop = () => open?.end.abort();
      signal.addEventListener('abort', stop);
      try {
        const place = placeOf(work, shard, storage);
        const { files, cost, measured } = await shards.compute(shard, report, place);
        const told: ShardRecord['files'] = {};
        for (const [name, bytes] of Object.entries(files)) {
          await storage.write(fileOfShard(shard.index, name), bytes);
          told[name] = { bytes: bytes.length, sha256: sha256(bytes) };
        }
        const whole: ShardRecord = { key, ...shard, files: told, measured: { cost, more: measured as never } };
        await storage.write(recordName(shard.index), `${JSON.stringify(whole)}\n`);
        await place.removeParts();
        return 'computed';
      } finally {
        signal.removeEventListener('abort', stop);
      }
    },
    close,
  };
}

/** Where shards keep what is done of them while they are computed. */
export const partsFolder = 'parts/';

function placeOf({ chained }: Work, { index }: Shard, storage: RunStorage) {
  const own = `${partsFolder}${String(index).padStart(6, '0')}/`;
  let used = false;
  return {
    parts: {
      read: async (name: string) => {
        const found = await storage.read(own + name);
        used ||= found !== undefined;
        return found;
      },
      write: (name: string, content: Uint8Array) => {
        used = true;
        return storage.write(own + name, content);
      },
    },
    removeParts: async () => {
      if (used) await storage.removeFolder(own);
    },
    async before(file: string) {
      if (index === 0 || !chained) return undefined;
      const record = await readRecord(storage, index - 1);
      if (!record) throw damaged(storage, recordName(index - 1), 'it is missing');
      return readShardFile(storage, record, file);
    },
  };
}

function otherVersion({ program, version }: Work, found: number): WhereforeError {
  return new WhereforeError('invalid-argument', `the worker has another version of "${program}"`, {
    got: String(found),
    expected: String(version),
    fix: 'install the same version of wherefore everywhere',
  });
}

function otherModel({ model }: Work, found: string | undefined): WhereforeError {
  return new WhereforeError('invalid-data', 'the model is not the one that the work was planned with', {
    got: found ?? 'no model',
    expected: model,
    fix: 'give the command again with the model that is there now',
  });
}
