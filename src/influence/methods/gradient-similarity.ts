import { type Matrix64, squaredNorms, times } from '../matrix.ts';
import type { Runner, Scores } from '../method.ts';

/** `∇f · (−g_i)`: one step of gradient descent on the row changes f by that, times the learning rate. */
export const gradDot: Runner<'gradients', object> = {
  async score({ gradients }): Promise<Scores> {
    const direction = times(await gradients.queries(), -1);
    return { values: await gradients.dot(direction), notes: [], directions: [direction] };
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
    let total: Matrix64 | undefined;
    const directions: Matrix64[] = [];
    for (const { gradients, learningRate } of checkpoints) {
      const direction = times(await gradients.queries(), -learningRate);
      directions.push(direction);
      const values = await gradients.dot(direction);
      if (!total) total = values;
      else for (let j = 0; j < values.data.length; j++) total.data[j] += values.data[j];
    }
    return { values: total as Matrix64, notes: fewCheckpoints(checkpoints.length), directions };
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
