import type { Runtime } from '../runtime/runtime.ts';
import type {
  Covariances,
  EigenPair,
  GradientLabels,
  GradientMaterial,
  Rotation,
  TwoSided,
} from './gradient-material.ts';
import type { ProjectedRows } from './projected-rows.ts';
import { dotFactors, type StoredFactors } from './stored-factors.ts';

/** What is kept of the gradients of all rows; each is computed when it is first asked for. */
export interface GradientStore {
  projected(projections: readonly TwoSided[]): Promise<ProjectedRows>;
  covariances(labels: GradientLabels, seed: number): Promise<readonly Covariances[]>;
  squares(rotations: readonly Rotation[], labels: GradientLabels, seed: number): Promise<readonly Float64Array[]>;
  /** undefined where they would take more room than the store may. */
  factors(): Promise<StoredFactors | undefined>;
  eigen(matrix: Float64Array, size: number): Promise<EigenPair>;
}

/** Gradients of which passes over all rows are kept; the rest is computed as `base` does. */
export function storedGradients(
  base: GradientMaterial,
  store: GradientStore,
  runtime: Runtime,
  signal?: AbortSignal,
): GradientMaterial {
  return {
    ...base,
    project: (projections) => store.projected(projections),
    covariances: (labels, seed) => store.covariances(labels, seed),
    rotatedSecondMoments: (rotations, labels, seed) => store.squares(rotations, labels, seed),
    eigen: (matrix, size) => store.eigen(matrix, size),
    async dot(directions, block) {
      const factors = await store.factors();
      if (!factors) return base.dot(directions, block);
      return dotFactors(runtime, factors, base.blocks, directions, { only: block, signal });
    },
  };
}
