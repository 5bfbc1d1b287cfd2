import type { ColumnValue, PassOptions } from '../../dataset/dataset.ts';
import type { ImageRows } from './image-rows.ts';
import type { TableRows } from './table-rows.ts';
import type { TensorRows } from './tensor-rows.ts';

/** What the rows of a data set are before they become inputs. */
export type Contents =
  | {
      readonly kind: 'image';
      readonly images: ImageRows;
      /** The array that the images lie in, where they do. */
      readonly array?: TensorRows;
    }
  | { readonly kind: 'text'; readonly texts: (indices: Uint32Array) => Promise<string[]> }
  | { readonly kind: 'table'; readonly table: TableRows; readonly features: readonly string[] }
  | { readonly kind: 'tensor'; readonly arrays: ReadonlyMap<string, TensorRows> };

export type ContentKind = Contents['kind'];

/** Values of a column for some rows. */
export type ReadColumn = (indices: Uint32Array) => Promise<readonly ColumnValue[]>;

/** A file or a folder that was opened as the rows of a data set. */
export interface OpenedContents {
  readonly contents: Contents;
  readonly length: number;
  /** Names of the files that are the rows, with `/`; undefined where rows are no files. */
  readonly names?: readonly string[];
  /** The label of each row, where the place says it (the sub-folder of a file). */
  readonly labels?: readonly string[];
  /** The rows of the table, where it is one. */
  readonly table?: TableRows;
  readonly columns: Readonly<Record<string, ReadColumn>>;
  describe(index: number): string;
  /** SHA-256 of contents; undefined: of the inputs. */
  readonly hashes?: (indices: Uint32Array) => Promise<readonly string[]>;
  /** SHA-256 of the whole, where it is quicker to have than those of all rows. */
  readonly fingerprint?: (options: PassOptions) => Promise<string>;
  readonly notes: readonly string[];
}
