import { homedir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { WhereforeError } from '../../errors.ts';
import { writeAtomically } from '../files/files.ts';
import { isFile } from '../files/folders.ts';
import { readText } from '../files/read-file.ts';
import type { HubFile } from './download-file.ts';
import { fromHub } from './hub-answer.ts';
import type { HubAccess } from './hub-request.ts';
import { type HubReference, hubReferenceText, isSafePath } from './reference.ts';

/** A repository at one commit, and where its files are kept here. */
export interface Repository {
  readonly commit: string;
  readonly files: readonly HubFile[];
  readonly folder: string;
}

const commitForm = /^[0-9a-f]{40}$/;
/** Bytes of a list of files; larger ones are no repositories of a model. */
const mostListed = 64 * 2 ** 20;

/** The answer of the hub, as far as it is used. */
const listing = z.object({
  sha: z.string().check(z.regex(commitForm)),
  siblings: z.array(
    z.object({
      rfilename: z.string(),
      size: z.nullish(z.int().check(z.nonnegative())),
      blobId: z.nullish(z.string().check(z.regex(commitForm))),
      lfs: z.nullish(
        z.object({ sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)), size: z.int().check(z.nonnegative()) }),
      ),
    }),
  ),
});

/** What is kept of it. */
const kept = z.object({
  commit: z.string().check(z.regex(commitForm)),
  files: z.array(
    z.object({
      path: z.string().check(z.refine(isSafePath)),
      size: z.optional(z.number()),
      sha256: z.optional(z.string()),
      blob: z.optional(z.string()),
    }),
  ),
});
const moments = z.record(z.string(), z.string().check(z.regex(commitForm)));

/** Where models of the hub are kept: `WHEREFORE_HUB`, else `wherefore/hub` in the user's folder for caches. */
export function hubFolder(environment: NodeJS.ProcessEnv): string {
  const own = environment.WHEREFORE_HUB?.trim();
  if (own) return own;
  const caches = environment.XDG_CACHE_HOME?.trim() || environment.LOCALAPPDATA?.trim() || join(homedir(), '.cache');
  return join(caches, 'wherefore', 'hub');
}

/**
 * What a repository holds at a revision. A commit that was seen before needs no network; a branch or a tag is asked for
 * each time, unless no network may be used, where it is what it was the last time.
 * @throws WhereforeError `endpoint`, `file-not-found`, `invalid-data`, `cancelled`
 */
export async function openRepository(reference: HubReference, access: HubAccess, cache: string): Promise<Repository> {
  const { owner, name, revision } = reference;
  const { offline } = access;
  const place = join(cache, `${owner}--${name}`);
  const placeOf = (commit: string) => ({ folder: join(place, commit, name), list: join(place, commit, 'files.json') });
  const revisions = join(place, 'revisions.json');
  const known: Record<string, string> = (await stored(revisions, moments)) ?? {};
  const commit = commitForm.test(revision) ? revision : offline ? known[revision] : undefined;
  const former = commit === undefined ? undefined : await stored(placeOf(commit).list, kept);
  if (former !== undefined) return { ...former, folder: placeOf(former.commit).folder };
  if (offline) {
    throw new WhereforeError('file-not-found', 'this model was not downloaded', {
      where: hubReferenceText({ ...reference, file: undefined }),
      got: `nothing of this revision in ${cache}, and HF_HUB_OFFLINE is set`,
      fix: 'unset HF_HUB_OFFLINE once with a network',
    });
  }
  const found = await listed(reference, access);
  const { folder, list } = placeOf(found.commit);
  await writeAtomically(list, JSON.stringify(found, undefined, 1));
  if (revision !== found.commit)
    await writeAtomically(revisions, JSON.stringify({ ...known, [revision]: found.commit }, undefined, 1));
  return { ...found, folder };
}

async function stored<T>(path: string, schema: z.core.$ZodType<T>): Promise<T | undefined> {
  if (!(await isFile(path))) return undefined;
  try {
    return z.parse(schema, JSON.parse(await readText(path, 'config')));
  } catch (cause) {
    throw new WhereforeError('invalid-data', 'this file in the folder of downloaded models is damaged', {
      where: path,
      fix: 'remove it; it is made anew',
      cause,
    });
  }
}

async function listed(reference: HubReference, access: HubAccess): Promise<z.infer<typeof kept>> {
  const { owner, name, revision } = reference;
  const of = hubReferenceText({ ...reference, file: undefined });
  const base = access.endpoint.href.replace(/\/$/, '');
  const url = new URL(`${base}/api/models/${owner}/${name}/revision/${encodeURIComponent(revision)}?blobs=true`);
  const text = await fromHub(access, { url, of }, async ({ body }) => {
    let text = '';
    for await (const piece of body.setEncoding('utf8')) {
      text += piece as string;
      if (text.length > mostListed)
        throw new WhereforeError('invalid-data', 'the list of files is too long', { where: of });
    }
    return text;
  });
  const answer = readListing(text);
  if (answer === undefined) {
    throw new WhereforeError('endpoint', 'the hub gives no list of the files', {
      where: of,
      got: text.slice(0, 80),
      expected: 'JSON with sha and siblings',
      fix: 'check HF_ENDPOINT',
    });
  }
  const files = answer.siblings.map(({ rfilename: path, size, blobId, lfs }): HubFile => {
    if (lfs) return { path, size: lfs.size, sha256: lfs.sha256 };
    return { path, ...(size == null ? {} : { size }), ...(blobId == null ? {} : { blob: blobId }) };
  });
  return { commit: answer.sha, files: files.filter(({ path }) => isSafePath(path)) };
}

function readListing(text: string): z.infer<typeof listing> | undefined {
  try {
    return listing.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
