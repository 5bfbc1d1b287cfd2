import { WhereforeError } from '../../errors.ts';
import { formatShape, rows as rowsOf, type Tensor } from '../../tensor/tensor.ts';
import { selectedRows } from './row-selection.ts';

/** Times its own size that a file of many rows may unpack to; few files of numbers shrink as far. */
const mostUnpacked = 32;

/** Bytes that a file of rows may unpack to: 256 MiB, or 32 times its size, at most 8 GiB. No item says how many there are. */
export const unpackLimit = (bytes: number) => Math.min(2 ** 33, Math.max(2 ** 28, mostUnpacked * bytes));

/** One row of every array of a file. */
export interface ArrayRow {
  readonly row: number;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/**
 * Rows along the first axis of the arrays of a file, which is the same for all: `X.npy#3`, `X.npy#0-9`.
 * @throws WhereforeError `invalid-data` for arrays of different lengths, `out-of-range` for a row that they lack
 */
export function arrayRows(arrays: ReadonlyMap<string, Tensor>, selection: string, where: string): ArrayRow[] {
  const indices = selectedRows(selection, where);
  const counts = [...arrays.values()].map(({ shape }) => shape[0]);
  const [count] = counts;
  if (count === undefined || counts.some((other) => other !== count)) {
    throw new WhereforeError('invalid-data', 'the arrays do not have as many rows each', {
      where,
      got: [...arrays].map(([name, { shape }]) => `${name ? `"${name}" ` : ''}${formatShape(shape)}`).join(', '),
      fix: 'give a file for each item',
    });
  }
  const missing = indices.find((row) => row >= count);
  if (missing !== undefined) {
    throw new WhereforeError('out-of-range', 'there is no such row', {
      where,
      got: `#${missing}`,
      expected: `#0 to #${count - 1}`,
    });
  }
  return indices.map((row) => ({
    row,
    tensors: new Map([...arrays].map(([name, tensor]) => [name, rowsOf(tensor, row, row + 1)])),
  }));
}
