import type { Tensor } from '../tensor/tensor.ts';

/** Some rows of a data set. */
export interface Rows {
  /** Inputs by name, each n × the shape of one row. */
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** Class numbers (int64, n) or values (float32, n × …); absent where the data set has none. */
  readonly labels?: Tensor;
  /** How much each row counts in a loss; absent: all 1. */
  readonly weights?: Float32Array;
}

/** A value of a column; undefined where it is missing. */
export type ColumnValue = string | number | undefined;

/** How a long pass over a data set is followed and stopped. */
export interface PassOptions {
  readonly signal?: AbortSignal;
  /** Called now and then with the number of rows that have been read, and of all. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Rows to train on, to evaluate with and to explain: read when they are asked for, and known again wherever they stand.
 * Made by `openDataset` from files, by {@link datasetOf} from tensors, by {@link defineDataset} from anything else.
 */
export interface Dataset {
  /** What it is called in messages and results: the name of its file. */
  readonly name: string;
  /** Number of rows. */
  readonly length: number;
  /** Names of the classes by number, where the labels are classes. */
  readonly classes?: readonly string[];
  /** The labels of all rows, as {@link Rows.labels} has them. */
  readonly labels?: Tensor;
  /** Names of what is known about each row besides: source, annotator, date, licence, split; of a table all columns. */
  readonly columns: readonly string[];
  /**
   * The rows at these places, in this order.
   * @param epoch counted from 0, for rows that vary (augmentation); the same arguments give the same bits. Default 0.
   * @throws WhereforeError `out-of-range`; `wrong-shape` where rows of different shapes are asked for together
   */
  read(indices: ArrayLike<number>, epoch?: number): Promise<Rows>;
  /** What a column says about some rows. @throws WhereforeError `unknown-name` */
  column(name: string, indices: ArrayLike<number>): Promise<ColumnValue[]>;
  /**
   * Names of rows, which stay when rows are added, left out or put into another order: those that the data gives (an id
   * column, the name of a file), else of the content: the first 16 digits of its hash and the label's, with `~2`, `~3`,
   * … behind those of rows that are equal in both.
   * @throws WhereforeError `invalid-data` where the data gives one name to two rows
   */
  ids(indices: ArrayLike<number>): Promise<string[]>;
  /** SHA-256 of the content of rows, in hexadecimal: of their inputs before any preprocessing, without the label. */
  hashes(indices: ArrayLike<number>): Promise<string[]>;
  /** Where a row comes from: a file, the row of a table. */
  describe(index: number): string;
  /**
   * SHA-256 of all that `read` depends on: contents, order, labels, weights, how inputs are made. It is computed once,
   * piece by piece. Equal keys mean equal rows; equal rows of different files may have different keys.
   */
  key(options?: PassOptions): Promise<string>;
}
