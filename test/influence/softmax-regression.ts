import { denseGradients } from '../../src/influence/dense-gradients.ts';
import type { GradientMaterial } from '../../src/influence/gradient-material.ts';
import type { Retraining } from '../../src/influence/material.ts';
import { dot, type Matrix, rowOf, zeros } from '../../src/influence/matrix.ts';
import type { InfluenceContext } from '../../src/influence/score.ts';
import { cholesky, solveCholesky } from '../../src/linear-algebra/cholesky.js';
import { type Random, random } from '../../src/tensor/random.ts';
import { unrollingOf } from './unrolled-softmax.ts';

/** Rows and labels. */
export interface Labelled {
  readonly x: Matrix;
  readonly y: Int32Array;
  readonly classes: number;
}

/** Clusters of normal points around the corners of a simplex, one class each. */
export function clusters(count: number, columns: number, classes: number, seed: number, spread = 1): Labelled {
  const source: Random = random(seed);
  const x = zeros(count, columns);
  const y = Int32Array.from({ length: count }, (_, i) => i % classes);
  for (let i = 0; i < count; i++)
    for (let j = 0; j < columns; j++) x.data[i * columns + j] = spread * source.normal() + (j === y[i] ? 2 : 0);
  return { x, y, classes };
}

/** The same rows with others behind them. */
export function withRows(data: Labelled, extra: readonly ArrayLike<number>[], labels: readonly number[]): Labelled {
  const x = zeros(data.x.rows + extra.length, data.x.columns);
  x.data.set(data.x.data);
  for (const [i, row] of extra.entries()) x.data.set(row, (data.x.rows + i) * data.x.columns);
  return { x, y: Int32Array.from([...data.y, ...labels]), classes: data.classes };
}

/**
 * Softmax regression in float64, fitted to the optimum by Newton's method: θ minimises
 * `(1/n) Σ_i c_i ℓ(z_i; θ) + ½ λ ‖θ‖²`, n all rows. Weights lie class by class, each with its bias last.
 */
export function softmaxRegression(data: Labelled, weightDecay: number) {
  const { x, y, classes } = data;
  const width = x.columns + 1;
  const size = classes * width;
  const inputOf = (i: number, of: Matrix = x) => Float64Array.from([...rowOf(of, i), 1]);

  const probabilities = (theta: Float64Array, input: Float64Array) => {
    const logits = Float64Array.from({ length: classes }, (_, k) =>
      dot(theta.subarray(k * width, (k + 1) * width), input),
    );
    const most = logits.reduce((a, b) => Math.max(a, b));
    const powers = logits.map((value) => Math.exp(value - most));
    const sum = powers.reduce((a, b) => a + b);
    return powers.map((power) => power / sum);
  };
  /** ∇ℓ = (p − 1_y) ⊗ a. */
  const gradient = (theta: Float64Array, input: Float64Array, label: number) => {
    const p = probabilities(theta, input);
    return Float64Array.from(
      { length: size },
      (_, t) => (p[Math.floor(t / width)] - (Math.floor(t / width) === label ? 1 : 0)) * input[t % width],
    );
  };
  const hessian = (theta: Float64Array, counts: ArrayLike<number>) => {
    const h = new Float64Array(size * size);
    for (let i = 0; i < x.rows; i++) {
      if (counts[i] === 0) continue;
      const input = inputOf(i);
      const p = probabilities(theta, input);
      for (let s = 0; s < size; s++) {
        const k = Math.floor(s / width);
        for (let t = 0; t < size; t++) {
          const l = Math.floor(t / width);
          const c = (k === l ? p[k] : 0) - p[k] * p[l];
          h[s * size + t] += (counts[i] * c * input[s % width] * input[t % width]) / x.rows;
        }
      }
    }
    return h;
  };
  const fit = (counts: ArrayLike<number>): Float64Array => {
    const theta = new Float64Array(size);
    for (let step = 0; step < 50; step++) {
      const g = theta.map((value) => weightDecay * value);
      for (let i = 0; i < x.rows; i++) {
        if (counts[i] === 0) continue;
        const one = gradient(theta, inputOf(i), y[i]);
        for (let t = 0; t < size; t++) g[t] += (counts[i] * one[t]) / x.rows;
      }
      const h = hessian(theta, counts);
      for (let t = 0; t < size; t++) h[t * size + t] += weightDecay;
      const { factor } = cholesky(h, size);
      if (!factor) throw new Error('the fixture has no optimum');
      const move = solveCholesky(factor, g);
      // The first steps are cut: a whole Newton step may overshoot far from the optimum.
      const length = Math.sqrt(dot(move, move));
      for (let t = 0; t < size; t++) theta[t] -= move[t] * Math.min(1, 2 / (length || 1));
      if (length < 1e-13) break;
    }
    return theta;
  };
  return { data, size, width, weightDecay, inputOf, probabilities, gradient, hessian, fit };
}

export type SoftmaxRegression = ReturnType<typeof softmaxRegression>;

/** −loss of every row of `of` under θ. */
export function scoresUnder(model: SoftmaxRegression, theta: Float64Array, of: Labelled): Float64Array {
  return Float64Array.from(of.y, (label, i) => Math.log(model.probabilities(theta, model.inputOf(i, of.x))[label]));
}

/** Trainings of the model; without any row θ = 0. */
export function retrainingOf(model: SoftmaxRegression, queries: Labelled): Retraining {
  return {
    unit: 'nats',
    train: async (counts) => {
      const theta = model.fit(counts);
      return { queries: scoresUnder(model, theta, queries), rows: scoresUnder(model, theta, model.data) };
    },
  };
}

/** Gradients of a softmax regression, written down: one block, `g = (p − 1_y) aᵀ`. */
export function gradientsOf(model: SoftmaxRegression, theta: Float64Array, queries: Labelled): GradientMaterial {
  const { data, size, width } = model;
  const [n, classes] = [data.x.rows, data.classes];
  const gradientsFor = (labels: ArrayLike<number>, of: Labelled, sign: 1 | -1) => {
    const result = zeros(of.x.rows, size);
    for (let i = 0; i < of.x.rows; i++)
      result.data.set(
        model.gradient(theta, model.inputOf(i, of.x), labels[i]).map((value) => sign * value),
        i * size,
      );
    return result;
  };
  const drawn = (seed: number) =>
    Int32Array.from({ length: n }, (_, i) => {
      const p = model.probabilities(theta, model.inputOf(i));
      let [u, k] = [random(seed, contentStream(model.inputOf(i))).uniform(), 0];
      while (k < classes - 1 && (u -= p[k]) > 0) k++;
      return k;
    });
  const confidence = (of: Labelled) =>
    Float64Array.from(of.y, (label, i) => model.probabilities(theta, model.inputOf(i, of.x))[label]);
  return denseGradients({
    blocks: [{ name: 'W', rows: classes, columns: width, offset: 0 }],
    weightDecay: model.weightDecay,
    rows: gradientsFor(data.y, data, 1),
    queries: gradientsFor(queries.y, queries, -1),
    sampled: (seed) => gradientsFor(drawn(seed), data, 1),
    covariances(labels, seed) {
      const used = labels === 'given' ? data.y : drawn(seed);
      const [inputs, outputs] = [new Float64Array(width * width), new Float64Array(classes * classes)];
      for (let i = 0; i < n; i++) {
        const a = model.inputOf(i);
        const s = model.probabilities(theta, a).map((p, k) => p - (k === used[i] ? 1 : 0));
        for (let j = 0; j < width * width; j++) inputs[j] += (a[Math.floor(j / width)] * a[j % width]) / n;
        for (let j = 0; j < classes * classes; j++) outputs[j] += (s[Math.floor(j / classes)] * s[j % classes]) / n;
      }
      return [{ inputs, outputs }];
    },
    gaussNewton: () => model.hessian(theta, new Uint32Array(n).fill(1)),
    confidences: { rows: confidence(data), queries: confidence(queries) },
    weights: theta,
    at: (step) =>
      scoresUnder(
        model,
        theta.map((value, t) => value + step[t]),
        queries,
      ),
  });
}

/** A stream for each row by its content, so that rows in another order draw the same labels. */
const contentStream = (row: Float64Array) =>
  1 + row.reduce((sum, value) => (sum * 31 + Math.round(value * 1e6)) % 1e9, 7);

/** Everything that methods may need, of a softmax regression. */
export function contextOf(data: Labelled, queries: Labelled, weightDecay = 0.01): InfluenceContext {
  const model = softmaxRegression(data, weightDecay);
  const theta = model.fit(new Uint32Array(data.x.rows).fill(1));
  const predict = (of: Labelled) => {
    const result = zeros(of.x.rows, of.classes);
    for (let i = 0; i < of.x.rows; i++)
      result.data.set(model.probabilities(theta, model.inputOf(i, of.x)), i * of.classes);
    return result;
  };
  const words = (of: Labelled) =>
    Array.from({ length: of.x.rows }, (_, i) => `${Array.from(rowOf(of.x, i), (v) => `w${Math.round(v)}`).join(' ')}`);
  return {
    rows: data.x.rows,
    queries: queries.x.rows,
    seed: 1,
    labels: { rows: data.y, queries: queries.y, classes: data.classes },
    embeddings: { rows: data.x, queries: queries.x },
    unrolling: unrollingOf(model, queries),
    predictions: { rows: predict(data), queries: predict(queries), outOfSample: false },
    texts: { rows: words(data), queries: words(queries) },
    retraining: retrainingOf(model, queries),
    gradients: gradientsOf(model, theta, queries),
    checkpoints: [0, 1].map((step) => ({
      step,
      learningRate: 0.1,
      gradients: gradientsOf(model, step ? theta : new Float64Array(model.size), queries),
    })),
  };
}
