import { filled } from '../../tensor/filled.ts';
import { dotRows, type Matrix, squaredNorms, takeMatrixRows } from '../matrix.ts';

/** Rows at a time, so that the distances of a block of queries stay small. */
const block = 256;

/**
 * Calls `use` with the squared distances of each query to every row, one query at a time.
 * `‖a − b‖² = ‖a‖² + ‖b‖² − 2 a·b`, at least 0.
 */
export function forDistances(
  queries: Matrix,
  rows: Matrix,
  use: (query: number, squaredDistances: Float64Array) => void,
): void {
  const [a, b] = [squaredNorms(queries), squaredNorms(rows)];
  for (let first = 0; first < queries.rows; first += block) {
    const count = Math.min(block, queries.rows - first);
    const some = takeMatrixRows(
      queries,
      filled(new Uint32Array(count), (i) => first + i),
    );
    const products = dotRows(some, rows).data;
    for (let q = 0; q < count; q++) {
      const distances = products.subarray(q * rows.rows, (q + 1) * rows.rows);
      for (let i = 0; i < rows.rows; i++) distances[i] = Math.max(0, a[first + q] + b[i] - 2 * distances[i]);
      use(first + q, distances);
    }
  }
}
