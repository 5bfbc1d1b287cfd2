import { WhereforeError } from '../errors.ts';
import { maxOf } from '../tensor/extremes.ts';
import { filled, mapped } from '../tensor/filled.ts';
import { maskedPoints } from './perturbation.ts';
import { normalisedConfidence, type Question } from './question.ts';
import { meanOf, meanUnderCurve } from './statistics.ts';

/** How the parts of MSI are weighed. The source does not print its weights; these are a reconstruction. */
export interface MsiWeights {
  /** Of `Sep = I(α_min) − D(α_min)`. */
  readonly separation: number;
  /** Of the area under the insertion curve above α_min. */
  readonly insertion: number;
  /** Of the area under the deletion curve above α_min, which is taken off. */
  readonly deletion: number;
  /** Of the share of groups at or above α_min, λ. */
  readonly penalty: number;
}

/** literal: the mask must hold everything that suffices. tolerant: one of several valid explanations is enough. */
export const msiPresets = {
  literal: { separation: 0.5, insertion: 0.5, deletion: 0.5, penalty: 1 },
  tolerant: { separation: 0.5, insertion: 0.5, deletion: 0, penalty: 1 },
} as const satisfies Record<string, MsiWeights>;

export type MsiPreset = keyof typeof msiPresets;

/** Thresholds above α_min, where a caller names none. */
export const msiSteps = 16;

/** Lowest mask value that counts as chosen, where a caller names none. */
export const defaultAlphaMin = 0.5;

/** What a mask does at each threshold. */
export interface MsiCurves {
  /** Ascending, the last is 1. */
  readonly thresholds: Float64Array;
  /** `I(a) = p̂(k_a·x + (1 − k_a)·b)`: what the chosen groups alone give. */
  readonly insertion: Float64Array;
  /** `D(a) = p̂((1 − k_a)·x + k_a·b)`: what is left without them. */
  readonly deletion: Float64Array;
  /** Share of the groups with `m ≥ a`. */
  readonly area: Float64Array;
}

/** MSI with its components, each before its weight. */
export interface MsiScore {
  readonly msi: number;
  readonly alphaMin: number;
  readonly separation: number;
  readonly insertion: number;
  readonly deletion: number;
  readonly penalty: number;
}

/** `n + 1` thresholds from α_min to 1. */
export function thresholdsFrom(alphaMin: number, steps: number = msiSteps): Float64Array {
  return filled(new Float64Array(steps + 1), (i) => alphaMin + ((1 - alphaMin) * i) / steps);
}

/**
 * Keeps and removes the groups above each threshold. Thresholds that choose the same groups share their passes; all of
 * the input and all of the reference need none.
 * @param mask one value between 0 and 1 for each feature group
 */
export async function msiCurves(question: Question, mask: Float64Array, thresholds: Float64Array): Promise<MsiCurves> {
  checkMask(question, mask);
  const sizes = Array.from(thresholds, (threshold) => {
    let count = 0;
    for (let i = 0; i < mask.length; i++) if (mask[i] >= threshold) count++;
    return count;
  });
  const groups = mask.length;
  // Chosen sets are nested: the same size is the same set.
  const distinct = [...new Set(sizes)].filter((size) => size > 0 && size < groups);
  const points = maskedPoints(question, 2 * distinct.length, (point, keep) => {
    const threshold = thresholds[sizes.indexOf(distinct[point >> 1])];
    const [above, below] = point % 2 === 0 ? [1, 0] : [0, 1];
    for (let i = 0; i < groups; i++) keep[i] = mask[i] >= threshold ? above : below;
  });
  const confidences = distinct.length ? await question.confidenceAt(points) : new Float64Array();
  const kept = new Map(distinct.map((size, i) => [size, confidences[2 * i]]));
  const removed = new Map(distinct.map((size, i) => [size, confidences[2 * i + 1]]));
  kept.set(0, question.referenceConfidence).set(groups, question.confidence);
  removed.set(0, question.confidence).set(groups, question.referenceConfidence);
  const curve = (values: ReadonlyMap<number, number>) =>
    mapped(Float64Array, sizes, (size) => normalisedConfidence(question, values.get(size) as number));
  return {
    thresholds,
    insertion: curve(kept),
    deletion: curve(removed),
    area: mapped(Float64Array, sizes, (size) => size / groups),
  };
}

/**
 * Minimality–sufficiency integration: `MSI = w_s·Sep + w_i·AUC_I − w_d·AUC_D − λ·mean[m ≥ α_min]`.
 * @param alphaMin one of the thresholds of the curves; default the first
 * @throws WhereforeError `out-of-range` for an α_min that the curves do not hold
 */
export function msiScore(curves: MsiCurves, weights: MsiWeights, alphaMin: number = curves.thresholds[0]): MsiScore {
  const start = curves.thresholds.findIndex((threshold) => Math.abs(threshold - alphaMin) < 1e-9);
  if (start < 0) {
    throw new WhereforeError('out-of-range', 'the curves do not start at this α_min', {
      got: String(alphaMin),
      expected: `one of ${[...curves.thresholds].map((threshold) => Number(threshold.toFixed(4))).join(', ')}`,
    });
  }
  const positions = curves.thresholds.subarray(start);
  const separation = curves.insertion[start] - curves.deletion[start];
  const insertion = meanUnderCurve(positions, curves.insertion.subarray(start));
  const deletion = meanUnderCurve(positions, curves.deletion.subarray(start));
  const penalty = curves.area[start];
  const msi =
    weights.separation * separation +
    weights.insertion * insertion -
    weights.deletion * deletion -
    weights.penalty * penalty;
  return { msi, alphaMin, separation, insertion, deletion, penalty };
}

/** Thresholds 1/n … 1 of an {@link msiProfile}; with n = 32 the upper half is that of α_min = .5 and 16 steps. */
export function profileThresholds(steps = 2 * msiSteps): Float64Array {
  return filled(new Float64Array(steps), (i) => (i + 1) / steps);
}

/** MSI against α_min: one score for each threshold below 1. */
export function msiProfile(curves: MsiCurves, weights: MsiWeights): MsiScore[] {
  return Array.from(curves.thresholds.subarray(0, -1), (alphaMin) => msiScore(curves, weights, alphaMin));
}

/**
 * The α_min with the best mean MSI over the profiles of a calibration split, all methods together, so that no method
 * gets a threshold of its own. Never tune on the inputs that are reported.
 * @throws WhereforeError `invalid-argument` without profiles or with profiles over different thresholds
 */
export function tuneAlphaMin(profiles: readonly (readonly Pick<MsiScore, 'alphaMin' | 'msi'>[])[]): number {
  const [first, ...others] = profiles;
  const same = (profile: typeof first) =>
    profile.length === first.length && profile.every(({ alphaMin }, i) => alphaMin === first[i].alphaMin);
  if (!first?.length || !others.every(same)) {
    throw new WhereforeError('invalid-argument', 'α_min is tuned over profiles of the same thresholds', {
      got: profiles.length
        ? `profiles of ${profiles.map(({ length }) => length).join(', ')} thresholds`
        : 'no profiles',
      fix: 'compute all with msiProfile on the calibration inputs',
    });
  }
  const means = first.map((_, i) => meanOf(profiles.map((profile) => profile[i].msi)));
  return first[means.indexOf(maxOf(means))].alphaMin;
}

function checkMask({ groups }: Question, mask: Float64Array): void {
  if (mask.length === groups.count) return;
  throw new WhereforeError('wrong-shape', 'the mask does not fit the input', {
    got: `${mask.length} values`,
    expected: `${groups.count}, one for each of ${groups.shape.join('×')} feature groups`,
  });
}
