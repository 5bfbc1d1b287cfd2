import { mapped } from '../../tensor/filled.ts';
import { zeros } from '../matrix.ts';
import type { Runner } from '../method.ts';
import { forDistances } from './nearest.ts';

export interface KnnParameters {
  /** Neighbours that vote. */
  readonly k: number;
}

/**
 * Exact Shapley values of the rows for a K-nearest-neighbour classifier whose value is the share of the K votes that go
 * to the query's label (fewer than K rows: the missing votes count as wrong). From the farthest row to the nearest:
 * `s_N = 1[y_N = y] · min(K, N)/(K·N)`, `s_i = s_{i+1} + (1[y_i = y] − 1[y_{i+1} = y])/K · min(K, i)/i`.
 * Rows at equal distances would score by their order in the file; so the value is the mean of two games: one in which the
 * right labels among them come first, and one in which they come last.
 */
export const knnShapley: Runner<'embeddings' | 'labels', KnnParameters> = {
  score({ embeddings, labels }, { k }) {
    const n = embeddings.rows.rows;
    const values = zeros(embeddings.queries.rows, n);
    const order = new Uint32Array(n);
    forDistances(embeddings.queries, embeddings.rows, (q, distances) => {
      const right = mapped(Uint8Array, labels.rows, (label) => (label === labels.queries[q] ? 1 : 0));
      const addGame = (tie: 1 | -1) => {
        for (let i = 0; i < n; i++) order[i] = i;
        order.sort((a, b) => distances[a] - distances[b] || tie * (right[b] - right[a]));
        let value = (right[order[n - 1]] * Math.min(k, n)) / (k * n);
        for (let i = n; i >= 1; i--) {
          if (i < n) value += (((right[order[i - 1]] - right[order[i]]) / k) * Math.min(k, i)) / i;
          values.data[q * n + order[i - 1]] += value / 2;
        }
      };
      addGame(1);
      addGame(-1);
    });
    return { values, notes: [] };
  },
};
