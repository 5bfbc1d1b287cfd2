import type { Contents } from '../../data/datasets/contents.ts';
import type { OpenedDataset } from '../../data/datasets/open-dataset.ts';
import type { RowView, RowViews } from '../../page/audit/row-view.ts';
import { toNumbers } from '../../tensor/convert.ts';
import { arrayImages } from './array-image.ts';

/** Numbers that are shown of a row of measurements. */
const shownNumbers = 64;

type Viewer<K extends Contents['kind']> = (
  contents: Extract<Contents, { kind: K }>,
  rows: Uint32Array,
) => Promise<readonly RowView[]>;

const viewers: { readonly [K in Contents['kind']]: Viewer<K> } = {
  image: async ({ images }, rows) =>
    (await images.read(rows)).map(({ shape: [height, width], data }) => ({
      kind: 'image',
      width,
      height,
      pixels: data,
    })),
  text: async ({ texts }, rows) => (await texts(rows)).map((text) => ({ kind: 'text', text })),
  table: async ({ table, features }, rows) => {
    const columns = await Promise.all(features.map((name) => table.values(name, rows)));
    return Array.from(rows, (_, i) => ({
      kind: 'table',
      columns: features,
      values: columns.map((column) => (column[i] === undefined ? '' : String(column[i]))),
    }));
  },
  tensor: async ({ arrays }, rows) => {
    const read = await Promise.all([...arrays.values()].map((array) => array.read(rows)));
    const images = read.length === 1 ? arrayImages(read[0]) : undefined;
    if (images) return images;
    return Array.from(rows, (_, i) => ({
      kind: 'numbers',
      values: read
        .flatMap((array) => {
          const numbers = toNumbers(array);
          const width = numbers.length / rows.length;
          return Array.from(numbers.slice(i * width, (i + 1) * width));
        })
        .slice(0, shownNumbers),
    }));
  },
};

/** Shows rows as the files have them, before any preprocessing. */
export function viewsOf({ contents }: Pick<OpenedDataset, 'contents'>): RowViews {
  // The table's entry and the contents have the same kind, which the type of a lookup cannot say.
  const view = viewers[contents.kind] as Viewer<Contents['kind']>;
  return (rows) => view(contents as never, Uint32Array.from(rows));
}
