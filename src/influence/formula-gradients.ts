import type { GradientMaterial } from './gradient-material.ts';
import type { ModelGradientsOptions } from './gradient-passes.ts';
import { modelGradients } from './model-gradients.ts';

/**
 * Gradients of rows by a loss that is given as a formula, see `withFormulaLoss`. f of the queries stays the log-probability
 * of their class, and the curvature that of the model's own distribution (the Gauss-Newton matrix of the cross-entropy,
 * labels drawn from it); what is made of the labels of the data is made of the formula.
 * @param plain gradients of the same rows by the cross-entropy
 */
export async function formulaGradients(
  options: ModelGradientsOptions & { readonly loss: string },
  plain: GradientMaterial,
): Promise<GradientMaterial> {
  const own = await modelGradients(options);
  return {
    ...plain,
    dot: own.dot,
    squaredNorms: own.squaredNorms,
    weightedSum: own.weightedSum,
    project: own.project,
    quadratic: own.quadratic,
    covariances: (labels, seed) => (labels === 'given' ? own : plain).covariances(labels, seed),
    rotatedSecondMoments: (rotations, labels, seed) =>
      (labels === 'given' ? own : plain).rotatedSecondMoments(rotations, labels, seed),
  };
}
