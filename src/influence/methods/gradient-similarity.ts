import { squaredNorms } from '../matrix.ts';
import type { Runner, Scores } from '../method.ts';

/** `∇f · (−g_i)`: one step of gradient descent on the row changes f by that, times the learning rate. */
export const gradDot: Runner<'gradients', object> = {
  async score({ gradients }): Promise<Scores> {
    const values = await gradients.dot(await gradients.queries());
    negate(values.data);
    return { values, notes: [] };
  },
  suspicion: async ({ gradients }) => ({ values: await gradients.squaredNorms(), notes: [] }),
};

/** `cos(∇f, −g_i)`; 0 where one of them is 0. */
export const gradCos: Runner<'gradients', object> = {
  async score({ gradients }): Promise<Scores> {
    const queries = await gradients.queries();
    const values = await gradients.dot(queries);
    const [q, r] = [squaredNorms(queries), await gradients.squaredNorms()];
    for (let t = 0; t < values.rows; t++) {
      for (let i = 0; i < values.columns; i++) {
        const scale = Math.sqrt(q[t] * r[i]);
        values.data[t * values.columns + i] *= scale > 0 ? -1 / scale : 0;
      }
    }
    return { values, notes: [] };
  },
};

/** `Σ_k η_k ∇f(θ_k) · (−g_i(θ_k))` over checkpoints. */
export const tracIn: Runner<'checkpoints', object> = {
  async score({ checkpoints }): Promise<Scores> {
    let total: Scores['values'] | undefined;
    for (const { gradients, learningRate } of checkpoints) {
      const values = await gradients.dot(await gradients.queries());
      for (let j = 0; j < values.data.length; j++) values.data[j] *= -learningRate;
      if (!total) total = values;
      else for (let j = 0; j < values.data.length; j++) total.data[j] += values.data[j];
    }
    return { values: total as Scores['values'], notes: fewCheckpoints(checkpoints.length) };
  },
  async suspicion({ checkpoints }) {
    const values = new Float64Array(checkpoints[0].gradients.rows);
    for (const { gradients, learningRate } of checkpoints) {
      const norms = await gradients.squaredNorms();
      for (let i = 0; i < values.length; i++) values[i] += learningRate * norms[i];
    }
    return { values, notes: fewCheckpoints(checkpoints.length) };
  },
};

const fewCheckpoints = (count: number) =>
  count === 1 ? ['one checkpoint: rows that were learned by heart before it have almost no gradient there'] : [];

export function negate(values: Float64Array): void {
  for (let j = 0; j < values.length; j++) values[j] = -values[j];
}
