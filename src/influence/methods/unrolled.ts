import { WhereforeError } from '../../errors.ts';
import type { Matrix64 } from '../matrix.ts';
import type { Runner } from '../method.ts';
import type { Smoothness } from '../unrolled/smoothness.ts';

/** `τ_i = ∂f(θ_T)/∂w_i`, by differentiating through the training that made this model. */
export const unrolled: Runner<'unrolling', Record<string, never>> = {
  async score({ unrolling, size, signal }) {
    const smooth = await unrolling.smoothness?.(signal);
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
        ...(smooth ? [smoothText(smooth)] : []),
        'of this model alone: the same seed and order of rows; another seed has other scores',
        'a derivative: leaving a row out changes f in this order, but by more or less than the score says',
      ],
    };
  },
};

const smoothText = ({ value, isSmooth }: Smoothness) =>
  `metasmoothness ${value.toFixed(2)} (1: weights move on as they began to): ${
    isSmooth
      ? 'the training is smooth enough for derivatives'
      : 'the training is not smooth, scores of single rows are not to be trusted; a smaller learning rate would make it so'
  }`;
