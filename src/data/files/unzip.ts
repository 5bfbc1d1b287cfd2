import { unzipSync } from 'fflate';
import { WhereforeError } from '../../errors.ts';
import { fileKinds, formatBytes } from './file-kinds.ts';

/** What packed bytes may become at most; a caller who knows what to expect states less. */
export interface UnpackOptions {
  /** Name of the file, for messages. */
  readonly where: string;
  /** Bytes. Default: as many as a file of tensors may have. */
  readonly limit?: number;
}

/**
 * The files of a ZIP archive by name. Their stated sizes are added up before anything is unpacked, and no file becomes
 * larger than its own.
 * @throws WhereforeError `out-of-range` beyond the limit, `invalid-data` for what is no ZIP or a damaged one
 */
export function unzip(
  bytes: Uint8Array,
  { where, limit = fileKinds.tensors.limit }: UnpackOptions,
): Map<string, Uint8Array> {
  let total = 0;
  let files: Record<string, Uint8Array>;
  try {
    // The table of contents alone: nothing is taken.
    unzipSync(bytes, {
      filter({ originalSize }) {
        total += originalSize;
        return false;
      },
    });
    if (total > limit) throw tooMuch(where, `${formatBytes(bytes.length)} that unpack to ${formatBytes(total)}`, limit);
    files = unzipSync(bytes);
  } catch (cause) {
    if (cause instanceof WhereforeError) throw cause;
    throw new WhereforeError('invalid-data', 'not a ZIP file, or a damaged one', {
      where,
      got: cause instanceof Error ? cause.message : String(cause),
      expected: 'a file written by np.savez',
      cause,
    });
  }
  return new Map(Object.entries(files));
}

/** The error of a file that unpacks to more than its limit. */
export function tooMuch(where: string, got: string, limit: number): WhereforeError {
  return new WhereforeError('out-of-range', 'the file unpacks to more than is expected of it', {
    where,
    got,
    expected: `at most ${formatBytes(limit)}`,
    fix: 'check that it is the right file',
  });
}
