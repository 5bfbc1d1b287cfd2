import { WhereforeError } from '../../errors.ts';
import type { FileKindName } from '../files/file-kinds.ts';
import { type ReadOptions, withFile } from '../files/open-file.ts';
import type { ByteRanges } from './byte-ranges.ts';

/**
 * A file of which parts are read. It is opened for each part, so that there is nothing to close, and must stay as it
 * was.
 * @throws WhereforeError as {@link withFile}; at a read, `file-unreadable` where the file was written meanwhile
 */
export async function openRanges(path: string, kind: FileKindName, options: ReadOptions = {}): Promise<ByteRanges> {
  const { size, version } = await withFile(path, kind, options, async (file) => file);
  return {
    name: path,
    size,
    read: (start, end) =>
      withFile(path, kind, options, (file) => {
        if (file.version === version) return file.range(start, Math.min(end, size));
        throw new WhereforeError('file-unreadable', 'the file has changed since it was opened', {
          where: path,
          fix: 'open the data set again',
        });
      }),
  };
}
