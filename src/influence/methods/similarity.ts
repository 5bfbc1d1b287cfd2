import { dotRows, type Matrix, squaredNorms } from '../matrix.ts';
import type { Given, Runner } from '../method.ts';

export interface SimilarityParameters {
  readonly measure: 'cosine' | 'dot' | 'l2';
  /** Whether rows with another label than the query count as opponents. */
  readonly signed: boolean;
}

/** Similarities of every query to every row: cosine, dot product, or 1/(1 + distance). */
export function similarities(queries: Matrix, rows: Matrix, measure: SimilarityParameters['measure']) {
  const result = dotRows(queries, rows);
  if (measure === 'dot') return result;
  const [a, b] = [squaredNorms(queries), squaredNorms(rows)];
  for (let q = 0; q < queries.rows; q++) {
    for (let i = 0; i < rows.rows; i++) {
      const at = q * rows.rows + i;
      if (measure === 'cosine') {
        // A vector of zeros has no direction: it is like nothing.
        const scale = Math.sqrt(a[q] * b[i]);
        result.data[at] = scale > 0 ? result.data[at] / scale : 0;
      } else result.data[at] = 1 / (1 + Math.sqrt(Math.max(0, a[q] + b[i] - 2 * result.data[at])));
    }
  }
  return result;
}

/** `±s(h_i, h_t)`, − where the labels differ. */
export const similarity: Runner<'embeddings' | 'labels', SimilarityParameters> = {
  score({ embeddings, labels }: Given<'embeddings' | 'labels'>, { measure, signed }) {
    const values = similarities(embeddings.queries, embeddings.rows, measure);
    if (signed) {
      const { rows, columns, data } = values;
      for (let q = 0; q < rows; q++)
        for (let i = 0; i < columns; i++) if (labels.rows[i] !== labels.queries[q]) data[q * columns + i] *= -1;
    }
    return { values, notes: [] };
  },
};
