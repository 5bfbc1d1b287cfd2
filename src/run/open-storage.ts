import { WhereforeError } from '../errors.ts';
import { folderStorage } from './folder-storage.ts';
import type { RunStorage } from './storage.ts';

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
