import { adaptiveNodes } from '../../attribution/methods/adaptive-nodes.ts';
import { type Quadrature, quadratures } from '../../attribution/methods/quadrature.ts';
import { memo } from '../../tensor/memo.ts';
import type { EmbeddingProgram } from './embedding-program-type.ts';
import type { TokenBaseline } from './token-baselines.ts';

/** An attribution to tokens by gradients. */
export interface TokenAttribution {
  /** One number for each token of the prompt. */
  readonly values: Float64Array;
  /** What they should sum to: f(prompt) − f(baseline). */
  readonly target: number;
  /** Points of the path at which the gradient was taken. */
  readonly points: number;
  /** Whether they lie where f changes most; else by Gauss–Legendre. */
  readonly adaptive?: boolean;
}

/** |Σ − T| / |T| */
export const relativeError = ({ values, target }: Pick<TokenAttribution, 'values' | 'target'>): number =>
  Math.abs(values.reduce((sum, value) => sum + value, 0) - target) / Math.abs(target);

/** `A_i = ⟨x_i, ∂f/∂x_i⟩` of each token: how f changes at this prompt. It promises no sum. Computed once for a program. */
export const gradientTimesEmbedding = memo(async (program: EmbeddingProgram): Promise<Float64Array> => {
  const { gradients } = await program.gradients([program.vectors]);
  return products(program, program.vectors, new Float32Array(program.vectors.length), gradients[0]);
});

/** How integrated gradients go on. */
export interface PathOptions {
  readonly points?: number;
  readonly mostPoints?: number;
  readonly tolerance?: number;
  /** What was found with fewer points: it goes on from there. */
  readonly known?: TokenAttribution;
}

/**
 * Integrated gradients over the vectors of tokens: `A_i = ⟨x_i − b_i, ∫₀¹ ∂f/∂x_i (b + t (x − b)) dt⟩` by Gauss–Legendre;
 * where the sum is not within `tolerance` of its target, with twice the points, and again, up to `mostPoints`, which lie
 * where f changes most: f alone is asked for first, at about three places for each point.
 * @source Sundararajan, Taly, Yan 2017, arXiv 1703.01365; from the stated baseline, after arXiv 2605.22417
 */
export async function integratedGradients(
  program: EmbeddingProgram,
  { vectors: baseline }: TokenBaseline,
  { points = 32, mostPoints = 256, tolerance = 0.005, known }: PathOptions = {},
): Promise<TokenAttribution> {
  const at = (t: number) => between(baseline, program.vectors, t);
  const along = async ({ positions, weights }: Quadrature, target?: number): Promise<TokenAttribution> => {
    const count = positions.length;
    // The ends go with the first points: one graph serves them all.
    const ends = target === undefined ? [program.vectors, baseline] : [];
    const { values, gradients } = await program.gradients([...Array.from(positions, at), ...ends]);
    const mean = new Float32Array(baseline.length);
    for (let k = 0; k < count; k++) for (let i = 0; i < mean.length; i++) mean[i] += weights[k] * gradients[k][i];
    return {
      values: products(program, program.vectors, baseline, mean),
      target: target ?? values[count] - values[count + 1],
      points: count,
      adaptive: false,
    };
  };
  const even = quadratures['gauss-legendre'];
  const { values: valuesAt } = program;
  let found = known ?? (await along(even(points)));
  while (relativeError(found) > tolerance && 2 * found.points <= mostPoints) {
    const count = 2 * found.points;
    found = valuesAt
      ? {
          ...(await along(await adaptiveNodes((places) => alongPath(valuesAt, places, at), count), found.target)),
          adaptive: true,
        }
      : await along(even(count), found.target);
  }
  return found;
}

/** Points of the path that are held at once. */
const heldAtOnce = 32;

/** f at places of a path. */
async function alongPath(
  valuesAt: NonNullable<EmbeddingProgram['values']>,
  places: Float64Array,
  at: (t: number) => Float32Array,
): Promise<Float64Array> {
  const found = new Float64Array(places.length);
  for (let from = 0; from < places.length; from += heldAtOnce)
    found.set(await valuesAt(Array.from(places.subarray(from, from + heldAtOnce), at)), from);
  return found;
}

function between(from: Float32Array, to: Float32Array, t: number): Float32Array {
  const point = new Float32Array(from.length);
  for (let i = 0; i < point.length; i++) point[i] = from[i] + t * (to[i] - from[i]);
  return point;
}

/** `⟨x_i − b_i, g_i⟩` for each token. */
function products({ width }: EmbeddingProgram, x: Float32Array, b: Float32Array, g: Float32Array): Float64Array {
  const values = new Float64Array(x.length / width);
  for (let i = 0; i < x.length; i++) values[Math.floor(i / width)] += (x[i] - b[i]) * g[i];
  return values;
}
