import * as z from 'zod/mini';
import { random } from '../../tensor/random.ts';
import { concatRows, float32, type Tensor } from '../../tensor/tensor.ts';
import type { Points } from '../points.ts';
import { resultOf } from './gradient.ts';
import type { Method, MethodContext } from './method.ts';
import { surenessOf } from './sureness.ts';

const parameters = z.strictObject({
  samples: z._default(z.int().check(z.minimum(1), z.maximum(100_000)), 50),
  noise: z
    ._default(z.number().check(z.minimum(0)), 0.15)
    .check(
      z.describe(
        'Standard deviation of the noise as a share of the range of the layer, largest minus smallest element',
      ),
    ),
  seed: z._default(z.number(), 0),
});

export type SmoothGradientParameters = z.infer<typeof parameters>;

/** The layer with normal noise added; sample k is the same whatever runs beside it. */
function noisyPoints({ features, layer }: MethodContext, { samples, noise, seed }: SmoothGradientParameters): Points {
  const deviation = new Map(
    layer.map((name) => {
      const [low, high] = ((features.get(name) as Tensor).data as Float32Array).reduce(
        ([a, b], value) => [Math.min(a, value), Math.max(b, value)],
        [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
      );
      return [name, noise * (high - low)];
    }),
  );
  const sample = (k: number, name: string, stream: number) => {
    const { shape, data } = features.get(name) as Tensor<'float32'>;
    const source = random(seed, k * layer.length + stream + 1);
    return float32(
      shape,
      data.map((value) => value + (deviation.get(name) as number) * source.normal()),
    );
  };
  return {
    cut: layer,
    count: samples,
    fresh: true,
    at: (start, end) =>
      new Map(
        layer.map((name, stream) => {
          const rows = Array.from({ length: end - start }, (_, i) => sample(start + i, name, stream));
          return [name, rows.length === 1 ? rows[0] : concatRows(rows)];
        }),
      ),
  };
}

const shared = {
  needs: 'gradient',
  layers: 'any',
  baseline: 'unused',
  completeness: 'none',
  zeroDifference: false,
  parameters: parameters as z.core.$ZodType<SmoothGradientParameters>,
  cost: ({ samples }: SmoothGradientParameters) => ({ forward: samples, backward: samples }),
} as const;

/** The gradient averaged over noisy copies of the layer. */
export const smoothGrad: Method<SmoothGradientParameters> = {
  ...shared,
  title: 'SmoothGrad',
  source: 'Smilkov et al. 2017, arXiv 1706.03825',
  formula: 'A = mean_k ∂f/∂F(F + ε_k),  ε_k ~ N(0, (noise · (max F − min F))²)',
  implicitBaseline: { kind: 'infinitesimal', text: 'infinitesimal changes around noisy copies' },
  meaning: { kind: 'rate', what: 'a mean rate of change' },
  async run(context, options) {
    const { means, squares, notes } = await moments(context, options);
    const result = { ...resultOf(context.features, means), gradientNotes: notes };
    if (options.samples < 2) return result;
    const { samples } = options;
    for (const square of squares.values())
      for (let i = 0; i < square.length; i++) square[i] = Math.sqrt(square[i] / (samples * (samples - 1)));
    return { ...result, ...surenessOf(result.values, resultOf(context.features, squares).values) };
  },
};

/** The variance of the gradient over noisy copies of the layer: where it is unsteady. Never negative. */
export const varGrad: Method<SmoothGradientParameters> = {
  ...shared,
  title: 'VarGrad',
  source: 'Adebayo et al. 2018, "Sanity Checks for Saliency Maps", arXiv 1810.03292',
  formula: 'A = mean_k g_k² − (mean_k g_k)²,  g_k = ∂f/∂F(F + ε_k)',
  implicitBaseline: { kind: 'infinitesimal', text: 'infinitesimal changes around noisy copies' },
  meaning: { kind: 'rate', what: 'a variance of rates of change' },
  async run(context, options) {
    const { squares, notes } = await moments(context, options);
    for (const square of squares.values()) for (let i = 0; i < square.length; i++) square[i] /= options.samples;
    return { ...resultOf(context.features, squares), gradientNotes: notes };
  },
};

/** Mean of the gradients at noisy copies, and the sum of their squared distances from it. */
async function moments(context: MethodContext, options: SmoothGradientParameters) {
  const means = new Map<string, Float64Array>();
  const squares = new Map<string, Float64Array>();
  // Welford's update: no difference of two large sums.
  const each = (point: number, gradients: ReadonlyMap<string, Float32Array>) => {
    for (const [name, values] of gradients) {
      if (point === 0) {
        means.set(name, new Float64Array(values.length));
        squares.set(name, new Float64Array(values.length));
      }
      const [mean, square] = [means.get(name), squares.get(name)] as Float64Array[];
      for (let i = 0; i < values.length; i++) {
        const before = values[i] - mean[i];
        mean[i] += before / (point + 1);
        square[i] += before * (values[i] - mean[i]);
      }
    }
  };
  const { notes } = await context.prepared.gradient(noisyPoints(context, options), { wrt: context.layer, each });
  return { means, squares, notes };
}
