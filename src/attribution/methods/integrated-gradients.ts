import * as z from 'zod/mini';
import { WhereforeError } from '../../errors.ts';
import type { Tensors } from '../../runtime/runtime.ts';
import { filled } from '../../tensor/filled.ts';
import { rows, type Tensor } from '../../tensor/tensor.ts';
import { pathPoints } from '../points.ts';
import type { Gradient } from '../prepared.ts';
import { adaptiveLooks, adaptiveNodes } from './adaptive-nodes.ts';
import { timesDifference } from './difference.ts';
import { resultOf } from './gradient.ts';
import { type Conditions, type Method, type MethodContext, onlyReference, sumOf } from './method.ts';
import { type Quadrature, quadratures } from './quadrature.ts';
import { looksFor, refinedNodes } from './refined-nodes.ts';

const parameters = z.strictObject({
  steps: z
    ._default(z.int().check(z.minimum(1), z.maximum(100_000)), 50)
    .check(z.describe('Points on the path at first')),
  rule: z._default(z.enum(['midpoint', 'trapezoid', 'gauss-legendre']), 'midpoint'),
  nodes: z
    ._default(z.enum(['adaptive', 'even', 'refined']), 'adaptive')
    .check(
      z.describe(
        'even: as the rule says. adaptive: even at first; while that misses the tolerance (at once where that is 0), pieces that are shorter where the target bends most, under the better of two rules, found by 3 n forward passes; even along the path of the input and with another rule than midpoint. refined: shorter pieces with nodes where the slope is the mean slope, found by 13 n / 3 forward passes',
      ),
    ),
  path: z
    ._default(z.enum(['feature', 'input']), 'feature')
    .check(z.describe('feature: straight from F0 to F. input: F follows the straight path of the input')),
  tolerance: z
    ._default(z.number().check(z.minimum(0)), 0.01)
    .check(
      z.describe(
        'While the relative error exceeds this, even nodes are followed by as many adaptive ones, and those by twice as many; 0 never goes on',
      ),
    ),
  maxSteps: z._default(z.int().check(z.minimum(1), z.maximum(100_000)), 400),
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
  parameters: parameters as z.core.$ZodType<IntegratedGradientsParameters>,
  cost: (options) => {
    const { rule, path, tolerance } = options;
    const tries = triesOf(options);
    const made = tolerance > 0 && Number.isFinite(tolerance) ? tries : tries.slice(0, 1);
    const sum = (of: (one: Try) => number) => made.reduce((total, one) => total + of(one), 0);
    const total = sum(({ steps }) => points(steps, rule, path));
    const looking = sum(({ steps, nodes }) => looks[nodes](steps));
    // Along the input the layer is read at both ends of every step as well.
    return { forward: (path === 'input' ? 2 * total + made.length : total) + looking, backward: total };
  },
  check: ({ path }, conditions) => {
    if (path === 'input') refuseWholeNumbers(conditions);
  },
  async run(context, options) {
    const { rule, path, tolerance } = options;
    if (path === 'input') refuseWholeNumbers(context);
    if (options.nodes === 'refined' && rule !== 'midpoint') {
      throw new WhereforeError('invalid-argument', 'refined nodes have weights of their own', {
        got: `rule ${rule}`,
        fix: 'leave the rule out, or use even nodes',
      });
    }
    const { features: baselineFeatures, value: baselineValue } = onlyReference(context);
    const difference = context.value - baselineValue;
    const [from, to] =
      path === 'feature' ? [baselineFeatures, context.features] : [onlyReference(context).inputs, context.inputs];
    const looked = new Map<number, number>();
    const targetAt = async (positions: Float64Array) => {
      const { target } = await context.prepared.evaluate(pathPoints(from, to, positions));
      positions.forEach((place, i) => looked.set(place, target[i]));
      return target;
    };
    const tries = triesOf(options);
    for (const [k, { steps, nodes }] of tries.entries()) {
      const refined = nodes === 'refined' ? await refinedNodes(targetAt, steps) : undefined;
      const quadrature =
        refined ?? (nodes === 'adaptive' ? await adaptiveNodes(targetAt, steps) : quadratures[rule](steps));
      const { sums, notes } =
        path === 'feature'
          ? await alongFeatures(context, baselineFeatures, quadrature)
          : await alongInput(context, refined ?? evenPieces(steps));
      const error = Math.abs(sumOf(sums.values()) - difference) / Math.max(Math.abs(difference), Number.EPSILON);
      const converged = tolerance === 0 ? undefined : error <= tolerance;
      // At a layer that is bypassed the sum misses the target by what flows past it: more steps would not fix that.
      if (converged !== false || k + 1 === tries.length || !context.isCut) {
        return {
          ...resultOf(context.features, sums),
          converged,
          chosen: { steps, ...(options.nodes === 'adaptive' ? { nodes } : {}) },
          notes: suddenChange(looked, difference),
          gradientNotes: notes,
        };
      }
    }
    throw new WhereforeError('internal', 'no try of integrated gradients was the last');
  },
};

/** Ids of tokens, or bytes, in front of the layer: a straight path between two of them leads over what is no input. */
function refuseWholeNumbers({ explained, inputs, layer }: Pick<Conditions, 'explained' | 'inputs' | 'layer'>): void {
  for (const name of explained) {
    const type = inputs.get(name)?.type;
    if (layer.includes(name) || type === undefined || type === 'float32') continue;
    throw new WhereforeError('invalid-argument', 'the path of the input leads over values that are no inputs', {
      got: `input "${name}" of ${type}, such as ids of tokens`,
      expected: 'path=input only where the explained inputs are floats',
      fix: 'leave path out: at the layer (the output of the embedding, say) the path then runs straight between its features at the baseline and at the input',
    });
  }
}

type Nodes = IntegratedGradientsParameters['nodes'];

interface Try {
  readonly steps: number;
  readonly nodes: Nodes;
}

/** Forward passes that finding the nodes takes. */
const looks: Readonly<Record<Nodes, (steps: number) => number>> = {
  even: () => 0,
  adaptive: adaptiveLooks,
  refined: looksFor,
};

/** The tries of a run, one after the other until one meets the tolerance. */
function triesOf({ steps, rule, nodes, path, tolerance, maxSteps }: IntegratedGradientsParameters): Try[] {
  const isAdaptive = nodes === 'adaptive' && rule === 'midpoint' && path === 'feature';
  const kept = nodes === 'adaptive' && !isAdaptive ? 'even' : nodes;
  const tries: Try[] = isAdaptive && tolerance > 0 ? [{ steps, nodes: 'even' }] : [];
  tries.push({ steps, nodes: kept });
  if (tolerance > 0) for (let n = steps * 2; n <= maxSteps; n *= 2) tries.push({ steps: n, nodes: kept });
  return tries;
}

/** Within this part of the path a change is sudden, and this much of the difference may be left behind it. */
const suddenPart = 0.05;
const leftBehind = 0.1;

/** Says so where almost all of the difference arises next to the baseline: the target minds the input, not its size. */
function suddenChange(looked: ReadonlyMap<number, number>, difference: number): string[] {
  const end = looked.get(1);
  if (end === undefined || difference === 0) return [];
  let last = 0;
  for (const [place, value] of looked)
    if (Math.abs(value - end) > leftBehind * Math.abs(difference)) last = Math.max(last, place);
  if (last > suddenPart) return [];
  return [
    `nine tenths of the difference arise within the first ${percent(last)} of the way from the baseline: f hardly depends on the size of the input, and a baseline that is another input instead of silence or black asks a clearer question`,
  ];
}

/** Two digits. */
function percent(share: number): string {
  return `${Number((100 * Math.max(share, 1e-6)).toPrecision(2))} %`;
}

type Rule = IntegratedGradientsParameters['rule'];

function points(steps: number, rule: Rule, path: IntegratedGradientsParameters['path']): number {
  return path === 'feature' ? quadratures[rule](steps).weights.length : steps;
}

/** Pieces of the same length with nodes in their middles. */
function evenPieces(n: number): { readonly edges: Float64Array; readonly positions: Float64Array } {
  return { edges: filled(new Float64Array(n + 1), (k) => k / n), positions: quadratures.midpoint(n).positions };
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
