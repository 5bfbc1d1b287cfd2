import { constants, gunzipSync } from 'node:zlib';
import { WhereforeError } from '../../errors.ts';
import { fileKinds, formatBytes } from './file-kinds.ts';
import { tooMuch, type UnpackOptions } from './unzip.ts';

/** The first bytes of a gzip file: what a small piece of it gives. */
export function gunzipStart(bytes: Uint8Array, { where }: UnpackOptions): Uint8Array {
  const piece = bytes.subarray(0, 2 ** 12);
  return gunzipped(piece, where, { finishFlush: constants.Z_SYNC_FLUSH });
}

/** @throws WhereforeError `out-of-range` beyond the limit, `invalid-data` for a damaged file */
export function gunzip(bytes: Uint8Array, { where, limit = fileKinds.tensors.limit }: UnpackOptions): Uint8Array {
  return gunzipped(bytes, where, { maxOutputLength: Math.max(1, Math.min(limit, 2 ** 32)) });
}

function gunzipped(bytes: Uint8Array, where: string, options: Parameters<typeof gunzipSync>[1]): Uint8Array {
  try {
    return gunzipSync(bytes, options);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw tooMuch(where, `${formatBytes(bytes.length)} that unpack to more`, options?.maxOutputLength ?? 0);
    }
    throw new WhereforeError('invalid-data', 'damaged or truncated gzip file', {
      where,
      fix: 'fetch the file again',
      cause,
    });
  }
}
