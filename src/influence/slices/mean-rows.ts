import { dot, type Matrix, type Matrix64, rowOf, zeros } from '../matrix.ts';

/** The mean of the first rows, as one row. */
export function meanRow(of: Matrix, count: number): Matrix64 {
  return meanOf(of, count, () => 1);
}

/** The mean of the first rows, each of length 1: its dot product with a row of length 1 is the mean of their cosines. */
export function meanDirection(of: Matrix, count: number): Matrix64 {
  return meanOf(of, count, (row) => {
    const length = Math.sqrt(dot(row, row));
    return length > 0 ? 1 / length : 0;
  });
}

function meanOf(of: Matrix, count: number, weight: (row: ArrayLike<number>) => number): Matrix64 {
  const result = zeros(1, of.columns);
  for (let i = 0; i < count; i++) {
    const row = rowOf(of, i);
    const factor = weight(row) / count;
    for (let j = 0; j < row.length; j++) result.data[j] += factor * row[j];
  }
  return result;
}
