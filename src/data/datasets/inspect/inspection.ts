import type { PassOptions } from '../../../dataset/dataset.ts';
import type { ContentKind } from '../contents.ts';
import type { ColumnSummary } from './column-statistics.ts';
import type { Duplicates } from './duplicates.ts';

/** A row that cannot be read. */
export interface BrokenRow {
  readonly row: number;
  readonly where: string;
  readonly why: string;
}

/** What is known of a data set without a model. */
export interface DatasetInspection {
  readonly name: string;
  readonly kind: ContentKind;
  readonly rows: number;
  /** Rows that were read; the rest of what is told is about them, but for labels. */
  readonly inspected: number;
  /** Columns of a table; inputs of other kinds, with their shapes. */
  readonly columns: readonly ColumnSummary[];
  /** How many rows have each class; the numbers of rows of values. */
  readonly labels?:
    | { readonly kind: 'class'; readonly classes: readonly { readonly name: string; readonly count: number }[] }
    | { readonly kind: 'value'; readonly least: number; readonly mean: number; readonly most: number };
  /** Rows that cannot be read, at most 20 of them. */
  readonly broken: { readonly count: number; readonly shown: readonly BrokenRow[] };
  readonly exact: Duplicates;
  readonly near: Duplicates;
  readonly notes: readonly string[];
}

export interface InspectDatasetOptions extends PassOptions {
  /** Rows that are read at most, spread evenly over all. Default 100,000. */
  readonly limit?: number;
}
