import { WhereforeError } from '../../errors.ts';
import type { Matrix64 } from '../matrix.ts';
import type { Runner } from '../method.ts';

/** `τ_i = ∂f(θ_T)/∂w_i`, by differentiating through the training that made this model. */
export const unrolled: Runner<'unrolling', Record<string, never>> = {
  async score({ unrolling, size, signal }) {
    const data = await unrolling.scores(signal);
    if (data.length !== size.queries * size.rows) {
      throw new WhereforeError('wrong-shape', 'scores of the training', {
        got: `${data.length}`,
        expected: `${size.queries} queries × ${size.rows} rows`,
      });
    }
    const values: Matrix64 = { rows: size.queries, columns: size.rows, data };
    return {
      values,
      notes: [
        'of this model alone: the same seed and order of rows; another seed has other scores',
        'a derivative: leaving a row out changes f in this order, but by more or less than the score says',
      ],
    };
  },
};
