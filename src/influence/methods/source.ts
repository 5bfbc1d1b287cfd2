import { WhereforeError } from '../../errors.ts';
import { throwIfCancelled } from '../../runtime/runtime.ts';
import { blockOf } from '../dense-gradients.ts';
import type { GradientMaterial, TrainingCheckpoint } from '../gradient-material.ts';
import { dotRows, type Matrix64, product, times, zeros } from '../matrix.ts';
import type { Runner } from '../method.ts';
import { bothSides, turned } from '../side.ts';
import { ekfacFit, type FactoredCurvature, type FactoredParameters } from './factored-curvature.ts';

export interface SourceParameters extends Pick<FactoredParameters, 'labels'> {
  /** Momentum μ of the training: steps are 1/(1 − μ) as long in the end. */
  readonly momentum: number;
  /** Weights up to which H is the whole Gauss-Newton matrix: its eigenvectors take some seconds a checkpoint. */
  readonly whole: number;
}

/** The curvature of a segment: applies a function of it to vectors. */
type Acting = (vectors: Matrix64, factor: (h: number) => number) => Matrix64;

/**
 * `τ_i = −(1/n) Σ_l r_l F_l g_i(θ_l)`, from the last segment to the first: over segment l with curvature H_l and time
 * `c_l = η_l K_l / (1 − μ)`, `F_l = (1 − exp(−c_l H_l)) H_l⁻¹` and `r_{l−1} = r_l exp(−c_l H_l)`, `r_L = ∇f(θ_T)`. H_l is
 * the Gauss-Newton matrix, or EK-FAC, at the checkpoint that ends the segment, plus the weight decay.
 */
export const source: Runner<'checkpoints', SourceParameters> = {
  async score({ checkpoints, size, seed, signal }, { momentum, labels, whole }) {
    checkOrder(checkpoints);
    const last = checkpoints[checkpoints.length - 1].gradients;
    let reaching = await last.queries();
    const values = zeros(size.queries, size.rows);
    const isWhole = last.parameters <= whole;
    const directions = checkpoints.map(({ gradients }) => zeros(size.queries, gradients.parameters));
    for (let l = checkpoints.length - 1; l >= 0; l--) {
      throwIfCancelled(signal);
      const { step, learningRate, gradients } = checkpoints[l];
      const time = (learningRate * (step - (l > 0 ? checkpoints[l - 1].step : 0))) / (1 - momentum);
      if (time === 0) continue;
      const act = isWhole
        ? await wholeCurvature(gradients)
        : byBlocks(gradients, await ekfacFit({ gradients, size, seed, signal }, { labels, share: 0 }));
      const decay = gradients.weightDecay;
      directions[l] = times(
        act(reaching, (h) => through(time, h + decay)),
        -1 / gradients.rows,
      );
      const part = await gradients.dot(directions[l]);
      for (let j = 0; j < values.data.length; j++) values.data[j] += part.data[j];
      if (l > 0) reaching = act(reaching, (h) => Math.exp(-time * (h + decay)));
    }
    const notes = [
      `${checkpoints.length} segments; ${isWhole ? 'the whole curvature' : `curvature by EK-FAC, its labels ${labels}`}`,
    ];
    if (momentum === 0) notes.push('momentum 0: set it if the training had more');
    return { values, notes, directions };
  },
};

/** `(1 − e^{−ch})/h`, c at h = 0. */
const through = (time: number, h: number) => (h * time < 1e-12 ? time : -Math.expm1(-time * h) / h);

/** By the eigenvectors of the whole Gauss-Newton matrix, P × P. */
async function wholeCurvature(gradients: GradientMaterial): Promise<Acting> {
  const size = gradients.parameters;
  const { values, vectors } = await gradients.eigen(await gradients.gaussNewtonMatrix(), size);
  const basis: Matrix64 = { rows: size, columns: size, data: vectors };
  return (of, factor) => {
    const rotated = dotRows(of, basis);
    for (let j = 0; j < rotated.data.length; j++) rotated.data[j] *= factor(values[j % size]);
    return product(rotated, basis);
  };
}

/** By blocks: a number for each element, in the basis of both sides' eigenvectors. */
function byBlocks({ blocks }: GradientMaterial, { rotations, values }: FactoredCurvature): Acting {
  return (vectors, factor) => {
    const result = zeros(vectors.rows, vectors.columns);
    for (const [b, block] of blocks.entries()) {
      const { left, right } = rotations[b];
      const back = { left: turned(left), right: turned(right) };
      const factors = values[b].map(factor);
      for (let q = 0; q < vectors.rows; q++) {
        const rotated = bothSides(blockOf(vectors, q, block), rotations[b]);
        for (let j = 0; j < rotated.data.length; j++) rotated.data[j] *= factors[j];
        result.data.set(bothSides(rotated, back).data, q * vectors.columns + block.offset);
      }
    }
    return result;
  };
}

function checkOrder(checkpoints: readonly TrainingCheckpoint[]): void {
  const steps = checkpoints.map(({ step }) => step);
  if (steps.every((step, l) => step > (l > 0 ? steps[l - 1] : -1)) && steps[steps.length - 1] > 0) return;
  throw new WhereforeError('invalid-data', 'checkpoints of a training', {
    got: `steps ${steps.join(', ')}`,
    expected: 'rising steps, the last above 0',
  });
}
