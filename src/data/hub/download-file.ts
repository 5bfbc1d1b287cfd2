import { createHash } from 'node:crypto';
import { WhereforeError } from '../../errors.ts';
import { isFile } from '../files/folders.ts';
import { fromHub } from './hub-answer.ts';
import type { HubAccess, HubResponse } from './hub-request.ts';
import { openPart, type PartFile } from './part-file.ts';

/** A file of a repository, by what the hub says of it. */
export interface HubFile {
  readonly path: string;
  readonly size?: number;
  /** SHA-256 of the content, of files that the hub keeps apart (LFS, Xet). */
  readonly sha256?: string;
  /** SHA-1 of the content as a blob of git, of the others. */
  readonly blob?: string;
}

/** Where a file comes from and goes to. */
export interface Transfer {
  readonly access: HubAccess;
  readonly url: URL;
  /** The file as a person writes it. */
  readonly of: string;
  readonly target: string;
  readonly onBytes?: (received: number, total: number | undefined) => void;
}

/**
 * Downloads a file unless it is there: goes on where an earlier attempt stopped, and gives the file its name when its
 * checksum is that of the hub.
 * @throws WhereforeError `endpoint`, `file-not-found`, `file-unwritable`, `cancelled`; `invalid-data` for a file that is
 * not what the hub says
 */
export async function downloadFile(file: HubFile, { access, url, of, target, onBytes }: Transfer): Promise<void> {
  if (await isFile(target)) return;
  if (access.offline) {
    throw new WhereforeError('file-not-found', 'this file was not downloaded', {
      where: of,
      got: 'HF_HUB_OFFLINE is set',
      fix: 'unset HF_HUB_OFFLINE once with a network',
    });
  }
  const part = await openPart(target);
  let before = part.size;
  const gained = () => {
    const more = part.size > before;
    before = part.size;
    return more;
  };
  const headers = (): Record<string, string> => (part.size > 0 ? { range: `bytes=${part.size}-` } : {});
  try {
    const known = await fromHub(
      access,
      { url, of, headers },
      (response) => receive(response, part, file, onBytes),
      gained,
    );
    await checkContent(part, known, of);
    await part.finish();
  } catch (error) {
    await part.leave();
    throw error;
  }
}

/** Takes the bytes of an answer, and tells what the file should be. */
async function receive(
  { status, headers, first, body }: HubResponse,
  part: PartFile,
  file: HubFile,
  onBytes: Transfer['onBytes'],
): Promise<HubFile> {
  const known = knownFile(file, first);
  // A beginning that is longer than the file, or the whole of it.
  if (status === 416) {
    body.destroy();
    if (part.size === known.size) return known;
    await part.restart();
    throw new Error('what was there of the file is not its beginning');
  }
  const from = status === 206 ? Number(/^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1]) : 0;
  if (from !== part.size) {
    await part.restart();
    if (from !== 0) {
      body.destroy();
      throw new Error('the hub sent another piece of the file than was asked for');
    }
  }
  for await (const piece of body) {
    await part.append(piece as Uint8Array);
    onBytes?.(part.size, known.size);
  }
  if (known.size !== undefined && part.size < known.size) throw new Error(`${part.size} of ${known.size} bytes came`);
  return known;
}

/** What a file should be, by the list of the repository, else by the headers of the hub itself. */
function knownFile({ path, size, sha256, blob }: HubFile, first: HubResponse['first']): HubFile {
  if (sha256 !== undefined || blob !== undefined) return { path, size, sha256, blob };
  const text = (value: string | readonly string[] | undefined) => String(value ?? '').replace(/^W\/|"/g, '');
  const linked = text(first['x-linked-etag']);
  const etag = text(first.etag);
  const sized = Number(first['x-linked-size'] ?? Number.NaN);
  return {
    path,
    size: size ?? (Number.isInteger(sized) ? sized : undefined),
    sha256: /^[0-9a-f]{64}$/.test(linked) ? linked : undefined,
    blob: linked === '' && /^[0-9a-f]{40}$/.test(etag) ? etag : undefined,
  };
}

/** @throws WhereforeError `invalid-data`; what is there is thrown away */
async function checkContent(part: PartFile, { sha256, blob }: HubFile, of: string): Promise<void> {
  const expected = sha256 ?? blob;
  const hash = createHash(sha256 === undefined ? 'sha1' : 'sha256');
  if (sha256 === undefined) hash.update(`blob ${part.size}\0`);
  for await (const piece of part.pieces()) hash.update(piece);
  const got = hash.digest('hex');
  if (got === expected) return;
  await part.restart();
  throw new WhereforeError(
    'invalid-data',
    expected === undefined ? 'the hub gives no checksum of the file' : 'the file is not what the hub says it is',
    {
      where: of,
      got: `${sha256 === undefined ? 'SHA-1 of the blob' : 'SHA-256'} ${got}`,
      expected: expected ?? 'one in the list of files, x-linked-etag or etag',
      fix: 'download it again; where it stays so, do not use it',
    },
  );
}
