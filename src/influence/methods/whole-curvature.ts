import { WhereforeError } from '../../errors.ts';
import { cholesky, solveCholesky } from '../../linear-algebra/cholesky.js';
import { throwIfCancelled } from '../../runtime/runtime.ts';
import { filled } from '../../tensor/filled.ts';
import { normals, random } from '../../tensor/random.ts';
import type { GradientMaterial } from '../gradient-material.ts';
import { dot, dotRows, identity, type Matrix64, matrix, product, rowOf, times, transposed, zeros } from '../matrix.ts';
import type { Given, Runner, Scores } from '../method.ts';

export interface DampingParameters {
  /** δ, added to the weight decay on the diagonal. Default 0 with weight decay, else 1 % of the mean diagonal of G. */
  readonly damping?: number;
}

/** Share of the mean curvature that is added where a training has no weight decay: G alone may be singular. */
const defaultShare = 0.01;

interface Damping {
  readonly value: number;
  readonly notes: readonly string[];
}

/** `λ + δ` of (G + λ + δ). @param trace Σ of the diagonal of G, asked for only where it is needed */
export async function dampingOf(
  { weightDecay, parameters }: GradientMaterial,
  wanted: number | undefined,
  trace: () => Promise<number>,
): Promise<Damping> {
  if (wanted !== undefined || weightDecay > 0)
    return {
      value: weightDecay + (wanted ?? 0),
      notes: [`damping ${(wanted ?? 0).toPrecision(3)} beside the weight decay ${weightDecay}`],
    };
  const value = (defaultShare * (await trace())) / parameters;
  if (!(value > 0))
    throw new WhereforeError('out-of-range', 'the model has no curvature here', {
      got: 'a Gauss-Newton matrix of zeros',
      fix: 'look whether the probabilities are all 0 or 1',
    });
  return { value, notes: [`no weight decay: damping ${value.toPrecision(3)}, ${defaultShare} of the mean curvature`] };
}

/** Trace of G by products with random signs (Hutchinson). */
async function traceOf(gradients: GradientMaterial, seed: number): Promise<number> {
  const probes = 4;
  const source = random(seed, 8);
  const signs = zeros(probes, gradients.parameters);
  for (let j = 0; j < signs.data.length; j++) signs.data[j] = source.integer(2) ? 1 : -1;
  return dot(signs.data, (await gradients.gaussNewton(signs)).data) / probes;
}

/** `τ_i = −(1/n) u · g_i`. */
async function scoresOf(gradients: GradientMaterial, solved: Matrix64, notes: readonly string[]): Promise<Scores> {
  const direction = times(solved, -1 / gradients.rows);
  return { values: await gradients.dot(direction), notes, directions: [direction] };
}

/** `(G + λ + δ) u = ∇f` by the whole matrix and its Cholesky factor, in float64. */
export const exactInfluence: Runner<'gradients', DampingParameters> = {
  async score({ gradients }, { damping }) {
    const { factor, notes } = await factored(gradients, damping);
    return scoresOf(gradients, solveRows(factor, await gradients.queries()), notes);
  },
  async suspicion({ gradients, size }, { damping }) {
    const { factor, notes } = await factored(gradients, damping);
    const values = new Float64Array(size.rows);
    // g_iᵀ (G + λ + δ)⁻¹ g_i, each row's gradient fetched through products with unit vectors once.
    const all = transposed(await gradients.dot(identity(gradients.parameters)));
    const solved = solveRows(factor, all);
    for (let i = 0; i < size.rows; i++) values[i] = dot(rowOf(all, i), rowOf(solved, i));
    return { values, notes };
  },
};

async function factored(gradients: GradientMaterial, wanted: number | undefined) {
  const size = gradients.parameters;
  const curvature = Float64Array.from(await gradients.gaussNewtonMatrix());
  let trace = 0;
  for (let p = 0; p < size; p++) trace += curvature[p * size + p];
  const { value, notes } = await dampingOf(gradients, wanted, async () => trace);
  for (let p = 0; p < size; p++) curvature[p * size + p] += value;
  const { factor, failedAt } = cholesky(curvature, size);
  if (!factor)
    throw new WhereforeError('out-of-range', 'the curvature is singular', {
      got: `damping ${value} (weight ${failedAt} has no curvature)`,
      fix: 'set a larger damping',
    });
  return { factor, notes };
}

function solveRows(factor: Float64Array, right: Matrix64): Matrix64 {
  const solved = zeros(right.rows, right.columns);
  for (let q = 0; q < right.rows; q++)
    solved.data.set(solveCholesky(factor, Float64Array.from(rowOf(right, q))), q * right.columns);
  return solved;
}

export interface ConjugateParameters extends DampingParameters {
  readonly iterations: number;
  /** Ends where the residual is below this share of the query's gradient. */
  readonly tolerance: number;
}

/** The same by conjugate gradients: products with G only. */
export const conjugateGradients: Runner<'gradients', ConjugateParameters> = {
  async score(given, { damping, iterations, tolerance }) {
    const { gradients, seed, signal } = given;
    const { value, notes } = await dampingOf(gradients, damping, () => traceOf(gradients, seed));
    const queries = await gradients.queries();
    const [x, r] = [zeros(queries.rows, queries.columns), Float64Array.from(queries.data)];
    const p = Float64Array.from(r);
    const square = (of: Float64Array, q: number) => {
      const row = of.subarray(q * queries.columns, (q + 1) * queries.columns);
      return dot(row, row);
    };
    const start = filled(new Float64Array(queries.rows), (q) => square(r, q));
    const now = Float64Array.from(start);
    const open = (q: number) => now[q] > tolerance ** 2 * start[q] && start[q] > 0;
    let steps = 0;
    for (; steps < iterations && now.some((_, q) => open(q)); steps++) {
      throwIfCancelled(signal);
      const product_ = (await gradients.gaussNewton(matrix(queries.rows, queries.columns, p))).data;
      for (let q = 0; q < queries.rows; q++) {
        if (!open(q)) continue;
        const [from, to] = [q * queries.columns, (q + 1) * queries.columns];
        let curvature = 0;
        for (let j = from; j < to; j++) curvature += p[j] * (product_[j] + value * p[j]);
        const step = now[q] / curvature;
        for (let j = from; j < to; j++) {
          x.data[j] += step * p[j];
          r[j] -= step * (product_[j] + value * p[j]);
        }
        const next = square(r, q);
        for (let j = from; j < to; j++) p[j] = r[j] + (next / now[q]) * p[j];
        now[q] = next;
      }
    }
    let worst = 0;
    for (let q = 0; q < queries.rows; q++) if (start[q] > 0) worst = Math.max(worst, Math.sqrt(now[q] / start[q]));
    return scoresOf(gradients, x, [
      ...notes,
      `${steps} iterations, residual ${worst.toExponential(1)} of the query's gradient`,
    ]);
  },
};

export interface IterationParameters extends DampingParameters {
  readonly iterations: number;
}

/** `r ← q + r − (G + λ + δ) r/σ`, u = r/σ, with σ a little above the largest eigenvalue so that it converges. */
export const lissa: Runner<'gradients', IterationParameters> = {
  async score(given, { damping, iterations }) {
    const { gradients, seed, signal } = given;
    const { value, notes } = await dampingOf(gradients, damping, () => traceOf(gradients, seed));
    const sigma = 1.05 * (await largestEigenvalue(given)) + value;
    const queries = await gradients.queries();
    const r = matrix(queries.rows, queries.columns, Float64Array.from(queries.data));
    let change = 0;
    for (let step = 0; step < iterations; step++) {
      throwIfCancelled(signal);
      const product_ = (await gradients.gaussNewton(r)).data;
      let [moved, all] = [0, 0];
      for (let j = 0; j < r.data.length; j++) {
        const next = queries.data[j] + r.data[j] - (product_[j] + value * r.data[j]) / sigma;
        moved += (next - r.data[j]) ** 2;
        all += next * next;
        r.data[j] = next;
      }
      change = all > 0 ? Math.sqrt(moved / all) : 0;
    }
    const solved = zeros(queries.rows, queries.columns);
    for (let j = 0; j < solved.data.length; j++) solved.data[j] = r.data[j] / sigma;
    return scoresOf(gradients, solved, [...notes, `the last of ${iterations} steps moved ${change.toExponential(1)}`]);
  },
};

/** By power iteration; at least what any start gives. */
async function largestEigenvalue({ gradients, seed, signal }: Given<'gradients'>): Promise<number> {
  let v = matrix(
    1,
    gradients.parameters,
    Float64Array.from(normals(gradients.parameters, random(seed, 9))),
  ) as Matrix64;
  let value = 0;
  for (let step = 0; step < 20; step++) {
    throwIfCancelled(signal);
    const scale = 1 / Math.sqrt(dot(v.data, v.data));
    for (let j = 0; j < v.data.length; j++) v.data[j] *= scale;
    v = await gradients.gaussNewton(v);
    value = Math.sqrt(dot(v.data, v.data));
    if (value === 0) return 0;
  }
  return value;
}

export interface RankParameters extends DampingParameters {
  /** Products with G. */
  readonly steps: number;
  /** Directions that are kept. */
  readonly rank: number;
}

/** The largest eigenvalues of G from a Krylov space (Arnoldi; G is symmetric); the rest of the space is left out. */
export const arnoldi: Runner<'gradients', RankParameters> = {
  async score({ gradients, seed, signal }, { damping, steps, rank }) {
    const { value, notes } = await dampingOf(gradients, damping, () => traceOf(gradients, seed));
    const size = gradients.parameters;
    const count = Math.min(steps, size);
    const basis: Float64Array[] = [];
    const products: Float64Array[] = [];
    let next = Float64Array.from(normals(size, random(seed, 9)));
    for (let k = 0; k < count; k++) {
      throwIfCancelled(signal);
      const before = Math.sqrt(dot(next, next));
      // Twice: once leaves directions that rounding made nearly parallel.
      for (let again = 0; again < 2; again++)
        for (const v of basis) {
          const along = dot(next, v);
          for (let j = 0; j < size; j++) next[j] -= along * v[j];
        }
      const length = Math.sqrt(dot(next, next));
      if (!(length > 1e-10 * before)) break;
      const v = next.map((one) => one / length);
      basis.push(v);
      next = Float64Array.from((await gradients.gaussNewton(matrix(1, size, v))).data);
      products.push(Float64Array.from(next));
    }
    const k = basis.length;
    const small = new Float64Array(k * k);
    for (let i = 0; i < k; i++)
      for (let j = 0; j < k; j++) small[i * k + j] = (dot(basis[i], products[j]) + dot(basis[j], products[i])) / 2;
    const { values, vectors } = await gradients.eigen(small, k);
    const kept = Math.min(rank, k);
    const directions = zeros(kept, size);
    for (let r = 0; r < kept; r++) {
      for (let b = 0; b < k; b++) {
        const weight = vectors[(k - 1 - r) * k + b];
        for (let j = 0; j < size; j++) directions.data[r * size + j] += weight * basis[b][j];
      }
    }
    const coordinates = dotRows(await gradients.queries(), directions);
    for (let q = 0; q < coordinates.rows; q++)
      for (let r = 0; r < kept; r++) coordinates.data[q * kept + r] /= values[k - 1 - r] + value;
    return scoresOf(gradients, product(coordinates, directions), [
      ...notes,
      `${kept} directions of ${k} steps; what lies beside them is left out`,
    ]);
  },
};

/** `G ≈ Yᵀ (Ω Yᵀ)⁻¹ Y`, Y = Ω G for random normal directions Ω; then `(G + λ + δ)⁻¹` by Woodbury's identity. */
export const nystrom: Runner<'gradients', DampingParameters & { readonly rank: number }> = {
  async score({ gradients, seed }, { damping, rank }) {
    const { value, notes } = await dampingOf(gradients, damping, () => traceOf(gradients, seed));
    const size = gradients.parameters;
    const k = Math.min(rank, size);
    const omega = matrix(k, size, Float64Array.from(normals(k * size, random(seed, 10)))) as Matrix64;
    const y = await gradients.gaussNewton(omega);
    const core = dotRows(omega, y);
    for (let i = 0; i < k; i++)
      for (let j = 0; j < i; j++) {
        const mean = (core.data[i * k + j] + core.data[j * k + i]) / 2;
        core.data[i * k + j] = core.data[j * k + i] = mean;
      }
    // Where G has a smaller rank than k, the core is singular: directions without curvature are left out.
    const { values, vectors } = await gradients.eigen(core.data, k);
    const least = 1e-10 * values[k - 1];
    const used = Array.from(values.keys()).filter((i) => values[i] > least);
    // B = Λ^{-1/2} Vᵀ Y: G ≈ Bᵀ B.
    const b = zeros(used.length, size);
    for (const [row, i] of used.entries())
      for (let j = 0; j < k; j++) {
        const weight = vectors[i * k + j] / Math.sqrt(values[i]);
        for (let t = 0; t < size; t++) b.data[row * size + t] += weight * y.data[j * size + t];
      }
    const gram = dotRows(b, b);
    for (let i = 0; i < used.length; i++) gram.data[i * used.length + i] += value;
    const { factor } = cholesky(gram.data, used.length);
    if (!factor) throw new WhereforeError('internal', 'a matrix with damping was not positive definite');
    const queries = await gradients.queries();
    // (BᵀB + v)⁻¹ q = (q − Bᵀ (B Bᵀ + v)⁻¹ B q)/v.
    const correction = product(solveRows(factor, dotRows(queries, b)), b);
    const solved = zeros(queries.rows, size);
    for (let j = 0; j < solved.data.length; j++) solved.data[j] = (queries.data[j] - correction.data[j]) / value;
    return scoresOf(gradients, solved, [...notes, `rank ${used.length} of ${k}`]);
  },
};
