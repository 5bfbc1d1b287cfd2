import type { RuleContext } from '../../../autodiff/context.ts';
import { floatAttribute, intAttribute, operatorKey } from '../../../onnx/graph.ts';

type Twin = (name: string) => string;

function axisOfNode(c: RuleContext): number {
  const rank = c.inputShape(0).length;
  const axis = intAttribute(c.node, 'axis', -1);
  return axis < 0 ? axis + rank : axis;
}

/**
 * `eˣ⁻ᶜ` at input and reference, their sums along the axis and `Δe/Δx`. The shift c is the same for both and cancels
 * in what is computed from it.
 */
function exponentials(c: RuleContext, twin: Twin) {
  const [x, other] = [c.input(0), twin(c.input(0))];
  const axis = axisOfNode(c);
  const shift = c.op('ReduceMax', [c.op('Max', [x, other]), c.ints([axis])], { keepdims: 1 });
  const [e, e0] = [x, other].map((value) => c.op('Exp', [c.sub(value, shift)]));
  const [sum, sum0] = [e, e0].map((value) => c.reduceSum(value, [axis], true));
  const difference = c.sub(x, other);
  const near = c.op('Less', [c.op('Abs', [difference]), c.scalar(1e-6, x)]);
  const ratio = c.div(c.sub(e, e0), c.op('Where', [near, c.scalar(1, x), difference]));
  return { axis, e, e0, sum, sum0, slope: c.op('Where', [near, e, ratio]) };
}

/** Softmax as `e_i / Σ e`: the exponential by Δe/Δx, the quotient by the mean over both factors. */
export function softmaxMultiplier(c: RuleContext, g: string, twin: Twin): string {
  const { axis, e, e0, sum, sum0, slope } = exponentials(c, twin);
  const own = c.scale(c.mul(g, c.add(c.op('Reciprocal', [sum]), c.op('Reciprocal', [sum0]))), 0.5, c.input(0));
  const shared = c.div(c.scale(c.reduceSum(c.mul(g, c.add(e, e0)), [axis], true), 0.5, c.input(0)), c.mul(sum, sum0));
  return c.mul(slope, c.sub(own, shared));
}

/** LogSoftmax as `x − ln Σ e`: `m_j = g_j − Σ g · Δln Σ/ΔΣ · Δe_j/Δx_j`. */
export function logSoftmaxMultiplier(c: RuleContext, g: string, twin: Twin): string {
  const { axis, sum, sum0, slope } = exponentials(c, twin);
  const difference = c.sub(sum, sum0);
  const near = c.op('Less', [c.op('Abs', [difference]), c.scalar(1e-6, c.input(0))]);
  const ratio = c.div(
    c.sub(c.op('Log', [sum]), c.op('Log', [sum0])),
    c.op('Where', [near, c.scalar(1, c.input(0)), difference]),
  );
  const logarithm = c.op('Where', [near, c.op('Reciprocal', [sum]), ratio]);
  return c.sub(g, c.mul(c.mul(c.reduceSum(g, [axis], true), logarithm), slope));
}

/** What a normalisation does: `y = γ · (x − μ)/√(σ² + ε) + β` over some axes. */
export interface Standardised {
  readonly axes: readonly number[];
  readonly epsilon: number;
  /** γ in a shape that broadcasts to x; undefined for 1. */
  readonly scale: string | undefined;
}

/** The parts of LayerNormalization and InstanceNormalization; undefined for other operators. */
export function standardised(c: RuleContext): Standardised | undefined {
  const rank = c.inputShape(0).length;
  const epsilon = floatAttribute(c.node, 'epsilon', 1e-5);
  switch (operatorKey(c.node)) {
    case 'LayerNormalization': {
      const first = axisOfNode(c);
      return {
        axes: Array.from({ length: rank - first }, (_, i) => first + i),
        epsilon,
        scale: c.hasInput(1) ? c.input(1) : undefined,
      };
    }
    case 'InstanceNormalization': {
      const shape = c.inputShape(0).map((size, axis) => (axis === 1 ? size : 1));
      return { axes: Array.from({ length: rank - 2 }, (_, i) => i + 2), epsilon, scale: c.reshape(c.input(1), shape) };
    }
    default:
      return undefined;
  }
}

/** `x − μ` and `1/√(σ² + ε)`. */
export function centred(c: RuleContext, x: string, { axes, epsilon }: Standardised): { centre: string; root: string } {
  const centre = c.sub(x, c.reduceMean(x, axes, true));
  const variance = c.reduceMean(c.mul(centre, centre), axes, true);
  return { centre, root: c.op('Sqrt', [c.add(variance, c.scalar(epsilon, c.input(0)))]) };
}

/**
 * With d = x − μ and s = √(mean d² + ε): `y = γ d/s`. The quotient is shared between d and 1/s, and
 * `Δ(1/s)/Δs² = −1/(s s' (s + s'))`, `Δd²/Δd = d + d'`, which need no division by a difference.
 */
export function standardisedMultiplier(c: RuleContext, g: string, parts: Standardised, twin: Twin): string {
  const x = c.input(0);
  const [{ centre: d, root: s }, { centre: d0, root: s0 }] = [centred(c, x, parts), centred(c, twin(x), parts)];
  const h = parts.scale ? c.mul(g, parts.scale) : g;
  const direct = c.scale(c.mul(h, c.add(c.op('Reciprocal', [s]), c.op('Reciprocal', [s0]))), 0.5, x);
  const both = c.add(d, d0);
  const toReciprocal = c.scale(c.reduceSum(c.mul(h, both), parts.axes, true), 0.5, x);
  const toVariance = c.neg(c.div(toReciprocal, c.mul(c.mul(s, s0), c.add(s, s0))));
  const count = parts.axes.reduce((product, axis) => product * c.inputShape(0)[axis], 1);
  const toCentre = c.add(direct, c.scale(c.mul(both, toVariance), 1 / count, x));
  return c.sub(toCentre, c.reduceMean(toCentre, parts.axes, true));
}
