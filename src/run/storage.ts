import { WhereforeError } from '../errors.ts';
import { sha256 } from './shard.ts';

/** Where the files of a run lie: a folder, or a bucket. Names are paths with `/` below it. */
export interface RunStorage {
  /** As {@link openStorage} takes it, so that another process can open it. */
  readonly url: string;
  /** undefined where there is no such file. */
  read(name: string): Promise<Uint8Array | undefined>;
  /** Whoever reads finds the old file or the whole new one, whatever happens meanwhile. */
  write(name: string, content: Uint8Array | string): Promise<void>;
  /** Names that begin with a prefix, in order. */
  list(prefix: string): Promise<string[]>;
  remove(name: string): Promise<void>;
  /** Removes a folder, `blobs/`, with all that is in it. */
  removeFolder(name: string): Promise<void>;
  /** Puts a file of this machine there; a folder may link instead of copying. */
  adopt(name: string, path: string): Promise<void>;
  /** Removes what processes that are gone left unfinished. */
  clear(): Promise<void>;
}

const blobName = (hash: string): string => `blobs/${hash}`;

/** Stores content under its hash, which is returned. */
export async function putBlob(storage: RunStorage, content: Uint8Array | string): Promise<string> {
  const hash = sha256(content);
  await storage.write(blobName(hash), content);
  return hash;
}

/** Stores a file under its hash, unless it is there. */
export async function adoptBlob(storage: RunStorage, hash: string, path: string): Promise<void> {
  await storage.adopt(blobName(hash), path);
}

/** Content by its hash. @throws WhereforeError `invalid-data` where it is missing, or not what its name says */
export async function getBlob(storage: RunStorage, hash: string): Promise<Uint8Array> {
  const content = await storage.read(blobName(hash));
  if (content && sha256(content) === hash) return content;
  throw new WhereforeError('invalid-data', content ? 'content is not what its hash says' : 'content is missing', {
    where: `${storage.url}/${blobName(hash)}`,
    got: content ? sha256(content) : undefined,
    fix: 'give the command again: it stores what is needed',
  });
}

/** Removes what was stored by hash. */
export const removeBlobs = (storage: RunStorage): Promise<void> => storage.removeFolder('blobs/');
