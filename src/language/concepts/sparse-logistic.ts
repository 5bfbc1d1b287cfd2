import { random } from '../../tensor/random.ts';

/** A linear classifier over concepts: `softmax(W c + b)`. */
export interface LinearClassifier {
  /** One row a class. */
  readonly weights: readonly (readonly number[])[];
  readonly bias: readonly number[];
}

export interface SparseOptions {
  /** Weight λ of Σ |W|. */
  readonly penalty: number;
  /** Default 500. */
  readonly steps?: number;
}

/**
 * Multinomial logistic regression with a penalty on Σ |W|, which makes weights of concepts that tell nothing exactly 0;
 * the bias is free. Proximal gradient with momentum (FISTA).
 * @source Beck, Teboulle 2009, SIAM J. Imaging Sciences 2(1)
 */
export function sparseLogistic(
  rows: readonly (readonly number[])[],
  labels: readonly number[],
  classes: number,
  { penalty, steps = 500 }: SparseOptions,
): LinearClassifier {
  const [count, width] = [rows.length, rows[0].length];
  // Largest eigenvalue of the loss's curvature: half the mean squared length of a row with its bias.
  let squares = 0;
  for (const row of rows) for (const c of row) squares += c * c;
  const rate = 1 / (0.5 * (1 + squares / count));
  let current = new Float64Array(classes * (width + 1));
  let [previous, moved] = [current, current];
  let momentum = 1;
  for (let step = 0; step < steps; step++) {
    const slope = slopeAt(moved, { rows, labels, classes });
    const next = new Float64Array(current.length);
    for (let i = 0; i < next.length; i++) {
      const value = moved[i] - rate * slope[i];
      const isBias = i % (width + 1) === width;
      const size = Math.abs(value) - rate * penalty;
      next[i] = isBias ? value : size > 0 ? Math.sign(value) * size : 0;
    }
    const after = (1 + Math.sqrt(1 + 4 * momentum ** 2)) / 2;
    previous = current;
    current = next;
    moved = current.map((value, i) => value + ((momentum - 1) / after) * (value - previous[i]));
    momentum = after;
  }
  const rowOf = (y: number) => Array.from(current.subarray(y * (width + 1), y * (width + 1) + width));
  return {
    weights: Array.from({ length: classes }, (_, y) => rowOf(y)),
    bias: Array.from({ length: classes }, (_, y) => current[y * (width + 1) + width]),
  };
}

interface Fit {
  readonly rows: readonly (readonly number[])[];
  readonly labels: readonly number[];
  readonly classes: number;
}

/** Gradient of the mean cross-entropy; parameters are a row of weights and a bias for each class. */
function slopeAt(parameters: Float64Array, { rows, labels, classes }: Fit): Float64Array {
  const size = rows[0].length;
  const slope = new Float64Array(parameters.length);
  const shares = new Float64Array(classes);
  for (const [r, row] of rows.entries()) {
    let total = 0;
    let most = Number.NEGATIVE_INFINITY;
    for (let y = 0; y < classes; y++) {
      let value = parameters[y * (size + 1) + size];
      for (let k = 0; k < size; k++) value += parameters[y * (size + 1) + k] * row[k];
      shares[y] = value;
      most = Math.max(most, value);
    }
    for (let y = 0; y < classes; y++) total += shares[y] = Math.exp(shares[y] - most);
    for (let y = 0; y < classes; y++) {
      const off = (shares[y] / total - Number(labels[r] === y)) / rows.length;
      for (let k = 0; k < size; k++) slope[y * (size + 1) + k] += off * row[k];
      slope[y * (size + 1) + size] += off;
    }
  }
  return slope;
}

/** `W c + b`. */
export const logitsOf = ({ weights, bias }: LinearClassifier, concepts: readonly number[]): number[] =>
  weights.map((row, y) => row.reduce((sum, weight, k) => sum + weight * concepts[k], bias[y]));

/** The class with the largest logit. */
export function classOf(classifier: LinearClassifier, concepts: readonly number[]): number {
  const logits = logitsOf(classifier, concepts);
  return logits.indexOf(logits.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY));
}

/** Penalties that are tried, from the strongest. */
const penalties = [0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001] as const;

/**
 * The strongest penalty whose accuracy on held-out fifths lies within one standard error of the best.
 */
export function chosenPenalty(
  rows: readonly (readonly number[])[],
  labels: readonly number[],
  classes: number,
  seed: number,
): number {
  const folds = 5;
  const source = random(seed, 1);
  const fold = rows.map(() => source.integer(folds));
  const scores = penalties.map((penalty) => {
    const hits = rows.map(() => 0);
    for (let f = 0; f < folds; f++) {
      const [train, test] = [true, false].map((isTrain) =>
        rows.flatMap((_, i) => ((fold[i] !== f) === isTrain ? [i] : [])),
      );
      if (train.length === 0) continue;
      const fitted = sparseLogistic(
        train.map((i) => rows[i]),
        train.map((i) => labels[i]),
        classes,
        { penalty, steps: 200 },
      );
      for (const i of test) hits[i] = Number(classOf(fitted, rows[i]) === labels[i]);
    }
    return hits.reduce((sum, hit) => sum + hit, 0) / rows.length;
  });
  const best = scores.reduce((most, score) => Math.max(most, score), 0);
  const error = Math.sqrt((best * (1 - best)) / rows.length);
  return penalties[scores.findIndex((score) => score >= best - error)];
}
