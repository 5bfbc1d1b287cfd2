import { join, parse, relative, resolve } from 'node:path';
import * as z from 'zod/mini';
import { FileHash } from '../data/files/file-hash.ts';
import { writeAtomically } from '../data/files/files.ts';
import { isFile } from '../data/files/folders.ts';
import { withFile } from '../data/files/open-file.ts';
import { adoptBlob, getBlob, type RunStorage } from './storage.ts';

/** A file that a run reads. */
export interface ListedFile {
  /** Absolute path on the commanding machine. */
  readonly path: string;
  readonly hash: string;
  /** Whether every shard reads it (the model and what lies beside it), not only the shard of one item. */
  readonly shared: boolean;
}

const listing = z.object({
  folder: z.string(),
  files: z.array(z.object({ path: z.string(), hash: z.string(), shared: z.boolean() })),
});

const listingName = 'files.json';

/** The files of a run on this machine. */
export interface FoundFiles {
  /** Where a file or folder lies here; see `ShardJob`. */
  readonly file: (path: string) => Promise<string>;
  /** The folder here that stands for the one in which the command was given: relative paths start there. */
  readonly folder?: string;
}

/** SHA-256 of a file, read in pieces. @throws WhereforeError as `withFile` */
export function hashFile(path: string): Promise<string> {
  return withFile(path, 'weights', {}, async (file) => {
    const hash = new FileHash();
    for await (const piece of file.pieces(Number.MAX_SAFE_INTEGER)) hash.update(piece);
    return hash.digest();
  });
}

/**
 * Puts all files that a run reads into its storage, by their hashes, for workers that do not see them where they are.
 * Paths are told from the current folder.
 */
export async function publishFiles(storage: RunStorage, files: readonly ListedFile[]): Promise<void> {
  for (const { hash, path } of files) await adoptBlob(storage, hash, path);
  await storage.write(listingName, JSON.stringify({ folder: process.cwd(), files }));
}

/**
 * How a process finds the files of a run: where nothing is published, under their own paths. Else a file of the list is
 * taken from its own path if it has the right hash there, or from the storage, from where it is put below `cache` under
 * the same path; those that all shards share together, because they are found beside each other.
 */
export async function filesOf(storage: RunStorage, cache: string, key: string): Promise<FoundFiles> {
  const text = await storage.read(listingName);
  if (!text) return { file: async (path) => path };
  const { folder, files } = listing.parse(JSON.parse(new TextDecoder().decode(text)));
  const root = join(cache, key);
  const below = (path: string) => join(root, relative(parse(path).root, path));
  const known = new Map<string, string>();
  const fetchFile = async ({ path, hash }: ListedFile) => {
    const place = below(path);
    if (!(await hasHash(place, hash))) await writeAtomically(place, await getBlob(storage, hash));
    known.set(path, place);
  };
  const shared = files.filter((file) => file.shared);
  let here = true;
  for (const { path, hash } of shared) here &&= await hasHash(path, hash);
  if (!here) for (const file of shared) await fetchFile(file);
  else for (const { path } of shared) known.set(path, path);
  const single = new Map(files.filter((file) => !file.shared).map((file) => [file.path, file]));
  const file = async (path: string) => {
    const absolute = resolve(folder, path);
    const listed = single.get(absolute);
    if (listed && !known.has(absolute)) {
      if (await hasHash(absolute, listed.hash)) known.set(absolute, absolute);
      else await fetchFile(listed);
    }
    const isHeld = shared.some((one) => one.path.startsWith(join(absolute, '/')));
    return known.get(absolute) ?? (isHeld ? (here ? absolute : below(absolute)) : path);
  };
  return { file, folder: here ? folder : below(folder) };
}

async function hasHash(path: string, hash: string): Promise<boolean> {
  return (await isFile(path)) && (await hashFile(path)) === hash;
}

/** Removes the list of files from a storage; their content goes with all other content (`removeBlobs`). */
export const withdrawFiles = (storage: RunStorage): Promise<void> => storage.remove(listingName);
