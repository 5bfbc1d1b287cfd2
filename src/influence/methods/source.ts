import { WhereforeError } from '../../errors.ts';
import { throwIfCancelled } from '../../runtime/runtime.ts';
import { blockOf, twoSided } from '../dense-gradients.ts';
import type { GradientMaterial, TrainingCheckpoint } from '../gradient-material.ts';
import { type Matrix64, transposed, zeros } from '../matrix.ts';
import type { Runner } from '../method.ts';
import { ekfacFit, type FactoredCurvature, type FactoredParameters } from './factored-curvature.ts';

export interface SourceParameters extends Pick<FactoredParameters, 'labels'> {
  /** Momentum μ of the training: steps are 1/(1 − μ) as long in the end. */
  readonly momentum: number;
}

/**
 * `τ_i = −(1/n) Σ_l r_l F_l g_i(θ_l)`, from the last segment to the first: over segment l with curvature H_l and time
 * `c_l = η_l K_l / (1 − μ)`, `F_l = (1 − exp(−c_l H_l)) H_l⁻¹` and `r_{l−1} = r_l exp(−c_l H_l)`, `r_L = ∇f(θ_T)`. H_l is
 * EK-FAC at the checkpoint that ends the segment, plus the weight decay.
 */
export const source: Runner<'checkpoints', SourceParameters> = {
  async score({ checkpoints, size, seed, signal }, { momentum, labels }) {
    checkOrder(checkpoints);
    const last = checkpoints[checkpoints.length - 1].gradients;
    let reaching = await last.queries();
    const values = zeros(size.queries, size.rows);
    for (let l = checkpoints.length - 1; l >= 0; l--) {
      throwIfCancelled(signal);
      const { step, learningRate, gradients } = checkpoints[l];
      const time = (learningRate * (step - (l > 0 ? checkpoints[l - 1].step : 0))) / (1 - momentum);
      if (time === 0) continue;
      const curvature = await ekfacFit({ gradients, size, seed, signal }, { labels, share: 0 });
      const decay = gradients.weightDecay;
      const acting = inBasis(reaching, gradients, curvature, (h) => through(time, h + decay));
      const part = await gradients.dot(acting);
      for (let j = 0; j < values.data.length; j++) values.data[j] -= part.data[j] / gradients.rows;
      if (l > 0) reaching = inBasis(reaching, gradients, curvature, (h) => Math.exp(-time * (h + decay)));
    }
    const notes = [`${checkpoints.length} segments; labels of the curvature ${labels}`];
    if (momentum === 0) notes.push('momentum 0: set it if the training had more');
    return { values, notes };
  },
};

/** `(1 − e^{−ch})/h`, c at h = 0. */
const through = (time: number, h: number) => (h * time < 1e-12 ? time : -Math.expm1(-time * h) / h);

/** Multiplies vectors by a function of the curvature: by a number for each element, in the basis of its eigenvectors. */
function inBasis(
  vectors: Matrix64,
  { blocks }: GradientMaterial,
  { rotations, values }: FactoredCurvature,
  factor: (h: number) => number,
): Matrix64 {
  const result = zeros(vectors.rows, vectors.columns);
  const factors = values.map((block) => block.map(factor));
  for (const [b, block] of blocks.entries()) {
    const { left, right } = rotations[b];
    const back = { left: transposed(left), right: transposed(right) };
    for (let q = 0; q < vectors.rows; q++) {
      const rotated = twoSided(blockOf(vectors, q, block), rotations[b]);
      for (let j = 0; j < rotated.data.length; j++) rotated.data[j] *= factors[b][j];
      result.data.set(twoSided(rotated, back).data, q * vectors.columns + block.offset);
    }
  }
  return result;
}

function checkOrder(checkpoints: readonly TrainingCheckpoint[]): void {
  const steps = checkpoints.map(({ step }) => step);
  if (steps.every((step, l) => step > (l > 0 ? steps[l - 1] : -1)) && steps[steps.length - 1] > 0) return;
  throw new WhereforeError('invalid-data', 'checkpoints of a training', {
    got: `steps ${steps.join(', ')}`,
    expected: 'rising steps, the last above 0',
  });
}
