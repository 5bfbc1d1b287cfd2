import type { Dataset } from '../dataset/dataset.ts';
import { range } from '../dataset/pieces.ts';
import { subset } from '../dataset/select.ts';
import { contentHash } from '../tensor/content-hash.ts';
import { mapped } from '../tensor/filled.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { applyDecisions, type DecidedRows, type Decision } from './decisions.ts';

/** A data set as people decided about it. */
export interface DecidedDataset {
  /** Without the dropped rows, with the new labels; rows keep their ids. */
  readonly dataset: Dataset;
  /** Where its rows stand in the data set that was decided about. */
  readonly positions: Uint32Array;
  /** What was decided, by the positions of the whole data set. */
  readonly decided: DecidedRows;
  /** What was done, in words. */
  readonly note: string;
}

/** Applies decisions to a data set. @param options `where`: their file, for messages @throws WhereforeError as `applyDecisions` */
export async function decidedDataset(
  dataset: Dataset,
  decisions: readonly Decision[],
  { where, modelClasses }: { readonly where?: string; readonly modelClasses?: readonly string[] } = {},
): Promise<DecidedDataset> {
  const classes = dataset.labels?.type === 'int64' ? classNumbers(dataset.labels) : undefined;
  const ids = await dataset.ids(range(0, dataset.length));
  const decided = applyDecisions(decisions, ids, classes, namesOfClasses(dataset, modelClasses), where);
  const positions = Uint32Array.from(ids.keys()).filter((row) => decided.kept[row] === 1);
  const labelled = decided.relabelled > 0 && decided.labels ? withLabels(dataset, decided.labels) : dataset;
  return {
    dataset: decided.dropped > 0 ? subset(labelled, positions) : labelled,
    positions,
    decided,
    note: `decisions: ${decided.relabelled} rows have another label, ${decided.dropped} are left out`,
  };
}

/** Names of the classes: of the data, else of the model, else their numbers; empty where labels are no classes. */
export function namesOfClasses(
  { classes, labels }: Pick<Dataset, 'classes' | 'labels'>,
  modelClasses?: readonly string[],
): readonly string[] {
  if (classes) return classes;
  if (labels?.type !== 'int64') return [];
  let most = 0;
  for (const label of labels.data as BigInt64Array) most = Math.max(most, Number(label));
  return modelClasses && modelClasses.length > most
    ? modelClasses
    : Array.from({ length: most + 1 }, (_, k) => String(k));
}

/** Class of every row. */
export const classNumbers = ({ data }: Tensor): Int32Array => mapped(Int32Array, data as BigInt64Array, Number);

/** The same rows with other classes. */
export function withLabels(dataset: Dataset, labels: Int32Array): Dataset {
  const of = (rows: ArrayLike<number>): Tensor => ({
    type: 'int64',
    shape: [rows.length],
    data: BigInt64Array.from(Array.from(rows, (row) => BigInt(labels[row]))),
  });
  return {
    ...dataset,
    labels: of(range(0, dataset.length)),
    read: async (indices, epoch) => ({ ...(await dataset.read(indices, epoch)), labels: of(indices) }),
    key: async (options) =>
      contentHash(['relabelled ', await dataset.key(options), new Uint8Array(labels.slice().buffer)]),
  };
}
