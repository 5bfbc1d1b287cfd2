import type { RuleContext } from '../../../autodiff/context.ts';
import { operatorKey } from '../../../onnx/graph.ts';
import { sameShape } from '../../../tensor/tensor.ts';
import type { RuleSet } from '../../plan.ts';
import { centred, standardised } from './deep-lift-normalised.ts';
import {
  bilinearOperators,
  elementwiseOperators,
  linearOperators,
  maximumOperators,
  movingOperators,
} from './operators.ts';
import { evaluateWith, everyOperator, type Gradients, ordinary } from './ordinary.ts';
import { quantizers } from './quantized.ts';
import { simpleLayers } from './simple-layers.ts';

export interface RelevanceOptions {
  /** Added to every denominator, with its sign. */
  readonly epsilon: number;
  /** Weights of positive and negative parts in layers with weights; undefined for the ε-rule everywhere. */
  readonly alphaBeta?: { readonly alpha: number; readonly beta: number };
}

/**
 * Layer-wise relevance propagation as rules for the backward pass. What flows is `s = R/y`, relevance divided by the value
 * that it belongs to; at the layer `A = F ⊙ s`. Where a node's rule is its derivative, LRP is gradient × input.
 */
export function relevanceRules(options: RelevanceOptions): RuleSet {
  const { epsilon, alphaBeta } = options;
  return {
    key: `lrp|${epsilon}|${alphaBeta ? `${alphaBeta.alpha}|${alphaBeta.beta}` : ''}`,
    apply: (specialised) => ({
      ...simpleLayers(specialised),
      overrides: { byOperator: everyOperator((c, gradients) => relevanceRule(c, gradients, options)) },
    }),
  };
}

/** The rule of LRP for a node, whatever it is. */
export function relevanceRule(c: RuleContext, gradients: Gradients, options: RelevanceOptions): Gradients {
  const key = operatorKey(c.node);
  const varying = c.node.inputs.flatMap((name, i) => (name && c.needs(i) ? [i] : []));
  const [g] = gradients;
  if (movingOperators.has(key) || quantizers.has(key)) return ordinary(c, gradients);
  if (!g) return ordinary(c, gradients);
  if (bilinearOperators.has(key)) {
    // Of a product of two varying values each takes half: both would carry all of it.
    if (varying.length > 1) return ordinary(c, [c.scale(stabilised(c, g, options.epsilon), 0.5, c.output())]);
    const weighted = key !== 'Mul' && key !== 'Einsum' && varying[0] < 2;
    if (options.alphaBeta && weighted) return [...splitBySign(c, g, varying[0], options.alphaBeta)];
    return ordinary(c, [stabilised(c, g, options.epsilon)]);
  }
  if (options.alphaBeta && key === 'Add' && varying.length === 1 && keepsShape(c, varying[0])) {
    // A constant that is added behind a layer is its bias, which takes no relevance inside the layer either.
    const shares: (string | undefined)[] = [undefined, undefined];
    shares[varying[0]] = rescaled(c, gradients, varying[0]);
    return shares;
  }
  if (linearOperators.has(key)) return ordinary(c, [stabilised(c, g, options.epsilon), ...gradients.slice(1)]);
  // A divisor scales; it takes no relevance.
  if (key === 'Div' && varying.includes(0)) return [ordinary(c, gradients)[0]];
  if ((elementwiseOperators.has(key) || key === 'Pow') && varying.length === 1 && varying[0] === 0)
    return [rescaled(c, gradients)];
  // The winner takes all; Softmax passes on what its first-order expansion says.
  if (maximumOperators.has(key) || key === 'Max' || key === 'Min' || key === 'Softmax') return ordinary(c, gradients);
  const parts = varying.every((i) => i === 0) ? standardised(c) : undefined;
  if (parts) {
    // The standard deviation scales; it takes no relevance.
    const { root } = centred(c, c.input(0), parts);
    const given = stabilised(c, g, options.epsilon);
    const toCentre = c.div(parts.scale ? c.mul(given, parts.scale) : given, root);
    return [c.sub(toCentre, c.reduceMean(toCentre, parts.axes, true))];
  }
  c.note('override', `LRP has no rule for ${key}; its derivative stands in, so that relevance may not be conserved`);
  return ordinary(c, gradients);
}

/** Whether an input of a node is as large as its output, rather than repeated. */
const keepsShape = (c: RuleContext, input: number): boolean => sameShape(c.inputShape(input), c.outputShape());

/** `R/(y + ε·sign y)` from `s = R/y`; with ε = 0 that is s, also where y is 0. */
function stabilised(c: RuleContext, g: string, epsilon: number): string {
  if (epsilon === 0) return g;
  const y = c.output();
  const moved = c.op('Where', [
    c.op('Less', [y, c.scalar(0, y)]),
    c.sub(y, c.scalar(epsilon, y)),
    c.add(y, c.scalar(epsilon, y)),
  ]);
  return c.div(c.mul(g, y), moved);
}

/** A function of one element hands on all that it gets: `R_x = R_y`, so that `s_x = s_y · y/x`. */
function rescaled(c: RuleContext, gradients: Gradients, varying = 0): string | undefined {
  const [g] = gradients;
  const plain = ordinary(c, gradients)[varying];
  if (!g || !plain) return undefined;
  const [x, y] = [c.input(varying), c.output()];
  const zero = c.op('Less', [c.op('Abs', [x]), c.scalar(1e-12, x)]);
  return c.op('Where', [zero, plain, c.mul(g, c.div(y, c.op('Where', [zero, c.scalar(1, x), x])))]);
}

/**
 * The αβ-rule for `y = L(x; w)`: `R_i = Σ_j (α (x_i w_ij)⁺/z_j⁺ − β (x_i w_ij)⁻/z_j⁻) R_j` with `z^±` the sums of the
 * positive and of the negative parts. Biases take no relevance, also those that a node behind the layer adds. A unit with parts of one sign only hands all its
 * relevance to them, so that α − β = 1 conserves it.
 */
function splitBySign(
  c: RuleContext,
  g: string,
  data: number,
  { alpha, beta }: { alpha: number; beta: number },
): Gradients {
  const [x, w, y] = [c.input(data), c.input(1 - data), c.output()];
  const positive = (name: string) => c.declareLike(c.op('Relu', [name]), name);
  const negative = (name: string) => c.declareLike(c.neg(c.op('Relu', [c.neg(name)])), name);
  const inputs = (a: string, b: string) => (data === 0 ? [a, b] : [b, a]);
  const [xp, xn, wp, wn] = [positive(x), negative(x), positive(w), negative(w)];
  const run = (a: string, b: string) => evaluateWith(c, inputs(a, b));
  const up = c.add(run(xp, wp), run(xn, wn));
  const down = c.add(run(xp, wn), run(xn, wp));
  const relevance = c.mul(g, y);
  const tiny = 1e-12;
  const hasUp = c.op('Greater', [up, c.scalar(tiny, y)]);
  const hasDown = c.op('Less', [down, c.scalar(-tiny, y)]);
  const part = (has: string, other: string, both: number, sum: string) => {
    const weight = c.op('Where', [other, c.scalar(both, y), c.scalar(1, y)]);
    const share = c.div(c.mul(relevance, weight), c.op('Where', [has, sum, c.scalar(1, y)]));
    return c.op('Where', [has, share, c.scalar(0, y)]);
  };
  const [toUp, toDown] = [part(hasUp, hasDown, alpha, up), part(hasDown, hasUp, -beta, down)];
  const back = (weight: string, gradient: string) =>
    ordinary(c.withNode({ ...c.node, inputs: inputs(x, weight) }), [gradient])[data] as string;
  const [above, below] = [c.add(back(wp, toUp), back(wn, toDown)), c.add(back(wn, toUp), back(wp, toDown))];
  const result: (string | undefined)[] = [undefined, undefined];
  result[data] = c.op('Where', [c.op('Less', [x, c.scalar(0, x)]), below, above]);
  return result;
}
