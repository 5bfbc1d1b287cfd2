import { WhereforeError } from '../../errors.ts';
import { formatShape, rows as rowsOf, type Tensor } from '../../tensor/tensor.ts';
import { selectedRows } from './row-selection.ts';

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
