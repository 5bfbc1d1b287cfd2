import { formatBytes } from '../data/files/file-kinds.ts';
import { WhereforeError } from '../errors.ts';
import { hexOf } from '../tensor/content-hash.ts';
import { Sha256 } from '../tensor/sha256.ts';

export interface DownloadOptions {
  /** SHA-256 that the file has to have, in hexadecimal. Default: any. */
  readonly sha256?: string;
  /** Name of a cache of this origin in which the file is kept for the next visit. Default: none. */
  readonly cache?: string;
  readonly signal?: AbortSignal;
  /** Called as bytes arrive; `total` is undefined where the server does not tell it. */
  onProgress?(progress: { readonly bytes: number; readonly total: number | undefined }): void;
}

export interface Download {
  /** For `memoryFiles`. */
  readonly content: Blob;
  /** SHA-256, in hexadecimal. */
  readonly hash: string;
  readonly fromCache: boolean;
  /** What a person should know: that the file could not be kept. */
  readonly notes: readonly string[];
}

/**
 * A file from an address, such as a model: whole, of the hash that was expected, and kept for next time where asked.
 * @throws WhereforeError `file-not-found` for an address without a file; `file-unreadable` for a download that ends
 *   early or another answer of the server; `invalid-data` for another hash, also of what the cache holds; `cancelled`
 * @example
 * const { content } = await downloadFile('/model.onnx', { cache: 'models' });
 * const model = await openModel('model.onnx', { runtime, files: memoryFiles(new Map([['model.onnx', content]])) });
 */
export async function downloadFile(address: string | URL, options: DownloadOptions = {}): Promise<Download> {
  const url = new URL(address, globalThis.location?.href).href;
  const { sha256, cache: cacheName, signal } = options;
  const cache = cacheName === undefined ? undefined : await caches.open(cacheName);
  const kept = await cache?.match(url);
  const response = kept ?? (await fetched(url, signal));
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const hash = new Sha256();
  await eachPiece(response, url, options, (piece) => {
    pieces.push(piece);
    hash.update(piece);
  });
  const found = hexOf(hash.digest());
  if (sha256 !== undefined && found !== sha256.toLowerCase()) {
    await cache?.delete(url);
    throw new WhereforeError('invalid-data', 'this is another file than the one that was expected', {
      where: url,
      got: `SHA-256 ${found}`,
      expected: sha256,
      fix: 'check the address, or state the hash of the file that lies there now',
    });
  }
  const content = new Blob(pieces, { type: 'application/octet-stream' });
  const notes = kept || !cache ? [] : await keep(cache, url, content);
  return { content, hash: found, fromCache: kept !== undefined, notes };
}

async function fetched(url: string, signal: AbortSignal | undefined): Promise<Response> {
  const response = await fetch(url, { signal }).catch((cause: unknown) => {
    throw broken(url, 'the server does not answer', { signal, cause });
  });
  if (response.ok) return response;
  const isMissing = response.status === 404 || response.status === 410;
  throw new WhereforeError(isMissing ? 'file-not-found' : 'file-unreadable', 'the server does not give the file', {
    where: url,
    got: `status ${response.status}`,
    fix: 'check the address',
  });
}

async function eachPiece(
  response: Response,
  url: string,
  { signal, onProgress }: DownloadOptions,
  take: (piece: Uint8Array<ArrayBuffer>) => void,
): Promise<void> {
  // What is compressed on the way has another length there.
  const length = response.headers.get('content-encoding') ? null : response.headers.get('content-length');
  const total = length === null ? undefined : Number(length);
  const reader = response.body?.getReader();
  let bytes = 0;
  for (;;) {
    const read = await reader?.read().catch((cause: unknown) => {
      throw broken(url, 'the download was cut', { got: formatBytes(bytes), signal, cause });
    });
    if (!read || read.done) break;
    bytes += read.value.length;
    take(read.value);
    onProgress?.({ bytes, total });
  }
  if (total !== undefined && bytes !== total)
    throw broken(url, 'the download was cut', { got: `${formatBytes(bytes)} of ${formatBytes(total)}`, signal });
}

function broken(
  where: string,
  what: string,
  { got, signal, cause }: { readonly got?: string; readonly signal: AbortSignal | undefined; readonly cause?: unknown },
): WhereforeError {
  if (signal?.aborted) return new WhereforeError('cancelled', 'the download was cancelled', { where, cause });
  return new WhereforeError('file-unreadable', what, { where, got, fix: 'try again', cause });
}

/** @returns a note where the browser has no room for it */
async function keep(cache: Cache, url: string, content: Blob): Promise<string[]> {
  try {
    await cache.put(url, new Response(content, { headers: { 'content-length': String(content.size) } }));
    return [];
  } catch (error) {
    const isFull = error instanceof DOMException && error.name === 'QuotaExceededError';
    const why = isFull ? 'the quota of this site is reached' : String(error);
    return [`${url} (${formatBytes(content.size)}) was not kept for the next visit: ${why}`];
  }
}
