import { z } from 'zod';
import { WhereforeError } from '../../errors.ts';
import type { Tensors } from '../../runtime/runtime.ts';
import { rows, type Tensor } from '../../tensor/tensor.ts';
import { pathPoints } from '../points.ts';
import type { Gradient } from '../prepared.ts';
import { timesDifference } from './difference.ts';
import { resultOf } from './gradient.ts';
import { type Method, type MethodContext, onlyReference, sumOf } from './method.ts';
import { type Quadrature, quadratures } from './quadrature.ts';
import { looksFor, refinedNodes } from './refined-nodes.ts';

const parameters = z.strictObject({
  steps: z.int().min(1).max(100_000).default(50).describe('Points on the path at first'),
  rule: z.enum(['midpoint', 'trapezoid', 'gauss-legendre']).default('midpoint'),
  nodes: z
    .enum(['even', 'refined'])
    .default('even')
    .describe(
      'even: as the rule says. refined: pieces that are shorter where the target bends most, with nodes where its slope is their mean slope, found by 13 n / 3 forward passes; a smaller error for the same gradients, not nearer single values',
    ),
  path: z
    .enum(['feature', 'input'])
    .default('feature')
    .describe('feature: straight from F0 to F. input: F follows the straight path of the input'),
  tolerance: z
    .number()
    .min(0)
    .default(0.01)
    .describe('Doubles the steps while the relative error exceeds this; 0 never doubles'),
  maxSteps: z.int().min(1).max(100_000).default(400),
});

export type IntegratedGradientsParameters = z.infer<typeof parameters>;

/**
 * Integrated gradients, revised so that they answer the same question at every layer: the feature baseline is what the
 * stated input gives, `F0 = φ(x0)`, not a zero feature.
 *
 * `A = (F − F0) ⊙ ∫₀¹ ∂f/∂F (F0 + t(F − F0)) dt`; at a cut `ΣA → f(x) − f(x0)` as the steps grow.
 */
export const integratedGradients: Method<IntegratedGradientsParameters> = {
  title: 'Integrated gradients (revised)',
  source: 'Sundararajan, Taly, Yan 2017, arXiv 1703.01365; revised for any layer after arXiv 2605.22417',
  formula: 'A = (F − φ(x0)) ⊙ Σ_k w_k ∂f/∂F(φ(x0) + t_k (F − φ(x0)))',
  needs: 'gradient',
  layers: 'any',
  baseline: 'required',
  implicitBaseline: undefined,
  meaning: { kind: 'share', what: 'a share of the difference' },
  completeness: 'convergent',
  zeroDifference: true,
  parameters: parameters as z.ZodType<IntegratedGradientsParameters>,
  cost: ({ steps, rule, nodes, path, tolerance, maxSteps }) => {
    const rounds = [steps];
    if (tolerance > 0) for (let n = steps * 2; n <= maxSteps; n *= 2) rounds.push(n);
    const sum = (of: (n: number) => number) => rounds.reduce((total, n) => total + of(n), 0);
    const total = sum((n) => points(n, rule, path));
    const looking = nodes === 'refined' ? sum(looksFor) : 0;
    // Along the input the layer is read at both ends of every step as well.
    return { forward: (path === 'input' ? 2 * total + rounds.length : total) + looking, backward: total };
  },
  async run(context, { steps, rule, nodes, path, tolerance, maxSteps }) {
    if (nodes === 'refined' && rule !== 'midpoint') {
      throw new WhereforeError('invalid-argument', 'refined nodes have weights of their own', {
        got: `rule ${rule}`,
        fix: 'leave the rule out, or use even nodes',
      });
    }
    const { features: baselineFeatures, value: baselineValue } = onlyReference(context);
    const difference = context.value - baselineValue;
    const [from, to] =
      path === 'feature' ? [baselineFeatures, context.features] : [onlyReference(context).inputs, context.inputs];
    const targetAt = async (places: Float64Array) =>
      (await context.prepared.evaluate(pathPoints(from, to, places))).target;
    for (let n = steps; ; n *= 2) {
      const refined = nodes === 'refined' ? await refinedNodes(targetAt, n) : undefined;
      const quadrature = refined ?? quadratures[rule](n);
      const { sums, notes } =
        path === 'feature'
          ? await alongFeatures(context, baselineFeatures, quadrature)
          : await alongInput(context, refined ?? evenPieces(n));
      const error = Math.abs(sumOf(sums.values()) - difference) / Math.max(Math.abs(difference), Number.EPSILON);
      const converged = tolerance === 0 ? undefined : error <= tolerance;
      // At a layer that is bypassed the sum misses the target by what flows past it: more steps would not mend that.
      if (converged !== false || n * 2 > maxSteps || !context.isCut) {
        return { ...resultOf(context.features, sums), converged, chosen: { steps: n }, gradientNotes: notes };
      }
    }
  },
};

type Rule = IntegratedGradientsParameters['rule'];

function points(steps: number, rule: Rule, path: IntegratedGradientsParameters['path']): number {
  return path === 'feature' ? quadratures[rule](steps).weights.length : steps;
}

/** Pieces of the same length with nodes in their middles. */
function evenPieces(n: number): { readonly edges: Float64Array; readonly positions: Float64Array } {
  return { edges: Float64Array.from({ length: n + 1 }, (_, k) => k / n), positions: quadratures.midpoint(n).positions };
}

/** `A = (F − F0) ⊙ Σ_k w_k ∂f/∂F(F0 + t_k (F − F0))` */
export async function alongFeatures(
  context: MethodContext,
  baselineFeatures: Tensors,
  { positions, weights }: Quadrature,
): Promise<Gradient> {
  const points = pathPoints(baselineFeatures, context.features, positions);
  const gradient = await context.prepared.gradient(points, { wrt: context.layer, weights });
  for (const [name, sum] of gradient.sums) {
    const [feature, baseline] = [context.features.get(name), baselineFeatures.get(name)] as Tensor<'float32'>[];
    for (let i = 0; i < sum.length; i++) sum[i] = timesDifference(sum[i], feature.data[i] - baseline.data[i]);
  }
  return gradient;
}

/**
 * `A = Σ_k (φ(x(e_{k+1})) − φ(x(e_k))) ⊙ ∂f/∂F(φ(x(t_k)))` with `x(t) = x0 + t (x − x0)`.
 * @param pieces their ends `e_k` and a node `t_k` in each
 */
async function alongInput(
  context: MethodContext,
  { edges, positions }: ReturnType<typeof evenPieces>,
): Promise<Pick<Gradient, 'sums' | 'notes'>> {
  const { prepared, layer, inputs } = context;
  const from = onlyReference(context).inputs;
  const steps = edges.length - 1;
  const corners = pathPoints(from, inputs, edges);
  const middles = pathPoints(from, inputs, positions);
  const sums = new Map<string, Float64Array>();
  let notes: Gradient['notes'] = [];
  // Step by step, so that memory holds two layers at a time however many steps there are.
  const inner = layer.filter((name) => !inputs.has(name));
  const layerAt = async (k: number): Promise<Tensors> => {
    const corner = corners.at(k, k + 1);
    const { values } = await prepared.evaluate({ cut: corners.cut, count: 1, at: () => corner }, inner);
    return new Map([...corner, ...values]);
  };
  let previous = await layerAt(0);
  for (let k = 0; k < steps; k++) {
    const next = await layerAt(k + 1);
    const gradient = await prepared.gradient({ ...middles, count: 1, at: () => middles.at(k, k + 1) }, { wrt: layer });
    notes = gradient.notes;
    for (const name of layer) {
      const [before, after] = [previous.get(name), next.get(name)] as Tensor<'float32'>[];
      const slope = gradient.sums.get(name) as Float64Array;
      let sum = sums.get(name);
      if (!sum) sums.set(name, (sum = new Float64Array(slope.length)));
      const [a, b] = [rows(before, 0, before.shape[0]).data, after.data];
      for (let i = 0; i < slope.length; i++) sum[i] += timesDifference(slope[i], b[i] - a[i]);
    }
    previous = next;
  }
  return { sums, notes };
}
