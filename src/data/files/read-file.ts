import { WhereforeError } from '../../errors.ts';
import type { FileKindName } from './file-kinds.ts';
import { decodeText } from './file-text.ts';
import { type ReadOptions, withFile } from './open-file.ts';

/** All bytes of a file, also beyond 2 GB. @throws WhereforeError as {@link withFile} */
export function readBytes(
  path: string,
  kind: FileKindName,
  options: ReadOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  return withFile(path, kind, options, (file) => file.bytes());
}

/** As {@link readBytes}; undefined where there is no such file. */
export async function readBytesIfPresent(
  path: string,
  kind: FileKindName,
  options: ReadOptions = {},
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  return readBytes(path, kind, options).catch((error: unknown) => {
    if (error instanceof WhereforeError && error.code === 'file-not-found') return undefined;
    throw error;
  });
}

/** A file as UTF-8 text. @throws WhereforeError as {@link withFile}, and `invalid-data` where it is not UTF-8. */
export async function readText(path: string, kind: FileKindName, options: ReadOptions = {}): Promise<string> {
  return decodeText(await readBytes(path, kind, options), path);
}

/** As {@link readText}; undefined where there is no such file. */
export async function readTextIfPresent(
  path: string,
  kind: FileKindName,
  options: ReadOptions = {},
): Promise<string | undefined> {
  const bytes = await readBytesIfPresent(path, kind, options);
  return bytes && decodeText(bytes, path);
}
