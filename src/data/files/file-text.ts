import { WhereforeError } from '../../errors.ts';
import type { AccessOptions, Files } from './file-access.ts';
import type { FileKindName } from './file-kinds.ts';

/** Bytes as UTF-8 text, without a byte-order mark. @throws WhereforeError `invalid-data` where they are not UTF-8. */
export function decodeText(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new WhereforeError('invalid-data', 'not UTF-8 text', { where, fix: 'save the file as UTF-8', cause });
  }
}

/** A file as UTF-8 text. @throws WhereforeError as `Files.read`, and `invalid-data` where it is not UTF-8 */
export async function textAt(files: Files, path: string, kind: FileKindName, options?: AccessOptions): Promise<string> {
  return decodeText(await files.read(path, kind, options), path);
}

/** A file as UTF-8 text; undefined where there is no such file. @throws WhereforeError as `Files.read`, and `invalid-data` */
export async function textIfPresent(
  files: Files,
  path: string,
  kind: FileKindName,
  options?: AccessOptions,
): Promise<string | undefined> {
  const bytes = await bytesIfPresent(files, path, kind, options);
  return bytes && decodeText(bytes, path);
}

/** All bytes of a file; undefined where there is no such file. @throws WhereforeError as `Files.read` */
export async function bytesIfPresent(
  files: Files,
  path: string,
  kind: FileKindName,
  options?: AccessOptions,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  return files.read(path, kind, options).catch((error: unknown) => {
    if (error instanceof WhereforeError && error.code === 'file-not-found') return undefined;
    throw error;
  });
}
