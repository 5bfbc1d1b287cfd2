import { hashOfFile } from '../data/files/file-hash.ts';
import { isFile } from '../data/files/folders.ts';
import { readBytes } from '../data/files/read-file.ts';
import { readImage } from '../data/formats/image.ts';
import type { ImageTrace } from '../provenance/image/trace-image.ts';
import type { Tensor } from '../tensor/tensor.ts';

/**
 * Pixels of the traced items by their ids, from the files that they were indexed from. Left out where a file is gone or
 * holds something else now: a page must not show another image than the one that was compared.
 */
export async function sourcePixels({ rankings }: ImageTrace): Promise<ReadonlyMap<string, Tensor<'uint8'>>> {
  const found = new Map<string, Tensor<'uint8'>>();
  for (const { item } of rankings.flatMap(({ items }) => items)) {
    if (found.has(item.id) || !(await isFile(item.place))) continue;
    const bytes = await readBytes(item.place, 'image');
    if (hashOfFile([bytes]) === item.hash) found.set(item.id, (await readImage(bytes, { name: item.place })).pixels);
  }
  return found;
}
