import { WhereforeError } from '../errors.ts';
import { folderStorage } from './folder-storage.ts';
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
  /** Puts a file of this machine there; a folder may link instead of copying. */
  adopt(name: string, path: string): Promise<void>;
  /** Removes what processes that are gone left unfinished. */
  clear(): Promise<void>;
}

/**
 * Opens a storage: the path of a folder, or `s3://bucket/prefix` (with `@aws-sdk/client-s3`, which is loaded then).
 * @throws WhereforeError `invalid-argument` for another kind of address
 */
export async function openStorage(url: string): Promise<RunStorage> {
  if (url.startsWith('s3://')) return (await import('./s3-storage.ts')).s3Storage(url);
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(url)) {
    throw new WhereforeError('invalid-argument', 'a storage of this kind is not known', {
      got: url,
      expected: 'the path of a folder, or s3://BUCKET/PREFIX',
    });
  }
  return folderStorage(url);
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
export async function removeBlobs(storage: RunStorage): Promise<void> {
  for (const name of await storage.list('blobs/')) await storage.remove(name);
}
