import { WhereforeError } from '../../errors.ts';
import type { ImageIndex } from './image-index.ts';

/** Columns that hold captions, by their usual names. */
export const captionColumns = ['caption', 'text', 'prompt'] as const;

/**
 * Captions of all images, '' where one has none; undefined where no column is named and none has a usual name.
 * @throws WhereforeError `unknown-name` for a column that is not there
 */
export function captionsOf({ items, folder }: ImageIndex, column: string | undefined): readonly string[] | undefined {
  const columns = new Set(items.flatMap(({ columns }) => Object.keys(columns)));
  const name = column ?? captionColumns.find((one) => columns.has(one));
  if (name === undefined) return undefined;
  if (columns.has(name)) return items.map((item) => String(item.columns[name] ?? ''));
  throw new WhereforeError('unknown-name', `no column of the index holds captions`, {
    where: folder,
    got: [...columns].join(', ') || 'no columns',
    expected: name,
    fix: 'index the images with --metadata FILE, and name the column with --caption',
  });
}
