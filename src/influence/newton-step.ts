import { WhereforeError } from '../errors.ts';
import { cholesky, solveCholesky } from '../linear-algebra/cholesky.js';
import { throwIfCancelled } from '../runtime/runtime.ts';
import { filled } from '../tensor/filled.ts';
import type { GradientMaterial } from './gradient-material.ts';
import { dot, type Matrix64 } from './matrix.ts';
import { dampingOf } from './methods/whole-curvature.ts';

export interface NewtonOptions {
  /** δ, as of the method `influence`. */
  readonly damping?: number;
  readonly signal?: AbortSignal;
}

/** What leaving out a group does by one Newton step. */
export interface NewtonEffect {
  /** Change of f of each query: f at the weights behind the step less f at those of the model. */
  readonly changes: Float64Array;
  readonly notes: readonly string[];
}

/** Weights up to which the curvature is held as a matrix. */
const wholeUpTo = 5000;

/** Products with the curvature, and the residual at which they end, beyond. */
const [mostProducts, residual] = [100, 1e-4];

/**
 * Opens Newton steps that leave out groups of rows: `Δθ = (G − G_R + λ + δ)⁻¹ (1/n) Σ_{i∈R} g_i`, where
 * `G_R = (1/n) Σ_{i∈R} Jᵀ (diag p − p pᵀ) J` is the group's part of the Gauss-Newton matrix, and f is asked at θ + Δθ.
 * Unlike the sum of scores, the curvature of the rows that are left is their own, so that groups that stand in for each
 * other do not hide how much they do. The model is taken to be at its optimum. Source: Koh, Ang, Teo, Liang, "On the
 * accuracy of influence functions for measuring group effects", NeurIPS 2019.
 * @throws WhereforeError `out-of-range` where the curvature without a group is singular
 */
export async function openNewtonSteps(all: GradientMaterial, { damping, signal }: NewtonOptions = {}) {
  const size = all.parameters;
  const n = all.rows;
  const isWhole = size <= wholeUpTo;
  const whole = isWhole ? await all.gaussNewtonMatrix() : undefined;
  const trace = async () => {
    if (!whole)
      throw new WhereforeError('invalid-argument', 'a Newton step needs a weight decay or a damping here', {
        got: `${size} weights`,
        fix: 'state the λ of the training (--weight-decay), or a damping',
      });
    let sum = 0;
    for (let p = 0; p < size; p++) sum += whole[p * size + p];
    return sum;
  };
  const { value: added, notes } = await dampingOf(all, damping, trace);
  const before = await all.at(new Float64Array(size));
  const nothing = { group: undefined, share: 0, added, signal };
  return {
    /**
     * What one step on all rows changes f by, `−(G + λ + δ)⁻¹ (mean g + λ θ)`: 0 at the optimum. Where it is as large as the
     * effects of groups, these are those of a training that goes on to its end.
     */
    async stepOnAll(): Promise<Float64Array> {
      const theta = await all.weights();
      const mean = (await all.weightedSum(constant(n, -1 / n))).data;
      const right = filled(new Float64Array(size), (j) => mean[j] - all.weightDecay * theta[j]);
      const step = await solve(all, whole, { ...nothing, right });
      return (await all.at(step)).map((value, q) => value - before[q]);
    },
    /** @param group gradients of the group's rows, at the same weights and for the same queries */
    async without(group: GradientMaterial): Promise<NewtonEffect> {
      const share = group.rows / n;
      const right = Float64Array.from((await group.weightedSum(constant(group.rows, 1 / n))).data);
      const step = await solve(all, whole, { group, share, added, right, signal });
      return { changes: (await all.at(step)).map((value, q) => value - before[q]), notes };
    },
  };
}

const constant = (columns: number, value: number): Matrix64 => ({
  rows: 1,
  columns,
  data: new Float64Array(columns).fill(value),
});

interface Step {
  /** The rows that are left out; absent: none. */
  readonly group?: GradientMaterial;
  /** Of the rows. */
  readonly share: number;
  /** λ + δ. */
  readonly added: number;
  readonly right: Float64Array;
  readonly signal?: AbortSignal;
}

/** `(G − share · G_group + λ + δ)⁻¹ right`. @param whole G, where it is held */
const solve = (all: GradientMaterial, whole: Float64Array | undefined, step: Step): Promise<Float64Array> =>
  whole ? byMatrix(whole, step) : byProducts(all, step);

async function byMatrix(whole: Float64Array, { group, share, added, right }: Step): Promise<Float64Array> {
  const size = right.length;
  const own = await group?.gaussNewtonMatrix();
  const left = Float64Array.from(whole);
  if (own) for (let j = 0; j < left.length; j++) left[j] -= share * own[j];
  for (let p = 0; p < size; p++) left[p * size + p] += added;
  const { factor, failedAt } = cholesky(left, size);
  if (!factor)
    throw new WhereforeError('out-of-range', 'the curvature without the group is singular', {
      got: `damping ${added} (weight ${failedAt} has no curvature)`,
      fix: 'set a larger damping',
    });
  return solveCholesky(factor, right);
}

/** By conjugate gradients. */
async function byProducts(all: GradientMaterial, { group, share, added, right, signal }: Step): Promise<Float64Array> {
  const size = right.length;
  const times = async (v: Float64Array): Promise<Float64Array> => {
    const vector: Matrix64 = { rows: 1, columns: size, data: v };
    const [a, b] = [(await all.gaussNewton(vector)).data, (await group?.gaussNewton(vector))?.data];
    return v.map((one, j) => a[j] - (b ? share * b[j] : 0) + added * one);
  };
  const [x, r] = [new Float64Array(size), Float64Array.from(right)];
  const p = Float64Array.from(r);
  const start = dot(r, r);
  let now = start;
  for (let k = 0; k < mostProducts && now > residual ** 2 * start; k++) {
    throwIfCancelled(signal);
    const product = await times(p);
    const step = now / dot(p, product);
    for (let j = 0; j < size; j++) {
      x[j] += step * p[j];
      r[j] -= step * product[j];
    }
    const next = dot(r, r);
    for (let j = 0; j < size; j++) p[j] = r[j] + (next / now) * p[j];
    now = next;
  }
  return x;
}
