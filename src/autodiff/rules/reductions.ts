import { intAttribute } from '../../onnx/graph.ts';
import { sizeOf } from '../../tensor/tensor.ts';
import type { RuleContext } from '../context.ts';
import { axesFrom, axisOf, keptShape } from './axes.ts';
import { kinked, type RuleTable, smooth } from './entry.ts';
import { othersProduct } from './products.ts';

/** What the rule of a reduction works with: `g` and `y()` have the reduced axes at size 1, so that they broadcast. */
interface Reduction {
  readonly c: RuleContext;
  readonly g: string;
  readonly x: string;
  readonly y: () => string;
  readonly axes: readonly number[];
  /** How many elements each result was made of. */
  readonly count: number;
}

/** Reductions over axes. */
export const reductions = {
  ReduceSum: smooth(reduction(spread)),
  ReduceMean: smooth(reduction((r) => spread({ ...r, g: r.c.scale(r.g, 1 / r.count, r.x) }))),
  ReduceMax: kinked(reduction(extreme), 'ties share the gradient equally'),
  ReduceMin: kinked(reduction(extreme), 'ties share the gradient equally'),
  ReduceProd: smooth(reduction(({ c, g, x, axes }) => c.mul(g, othersProduct(c, x, c.inputShape(0), axes)))),
  ReduceSumSquare: smooth(reduction(({ c, g, x }) => c.mul(c.scale(g, 2, x), x))),
  ReduceL1: kinked(
    reduction(({ c, g, x }) => c.mul(g, c.op('Sign', [x]))),
    '0 at 0',
  ),
  // x/‖x‖
  ReduceL2: smooth(
    reduction(({ c, g, x, y }) => {
      const norm = y();
      const zero = c.op('Equal', [norm, c.scalar(0, x)]);
      return c.mul(x, c.div(g, c.op('Where', [zero, c.scalar(1, x), norm])));
    }),
    '0 where the norm is 0',
  ),
  // 1/Σx = e⁻ʸ
  ReduceLogSum: smooth(reduction((r) => spread({ ...r, g: r.c.mul(r.g, r.c.op('Exp', [r.c.neg(r.y())])) }))),
  ReduceLogSumExp: smooth(reduction(({ c, g, x, y }) => c.mul(g, c.op('Exp', [c.sub(x, y())])))),
} satisfies RuleTable;

function reduction(gradient: (reduction: Reduction) => string) {
  return (c: RuleContext, [g]: readonly (string | undefined)[]): (string | undefined)[] => {
    if (!g) return [];
    const shape = c.inputShape(0);
    const axes = reducedAxes(c, shape.length);
    const kept = keptShape(shape, axes);
    const wide = (name: string) => c.reshapeTo(name, c.outputShape(), kept);
    const count = sizeOf(shape) / Math.max(1, sizeOf(kept));
    return [
      gradient({
        c,
        g: wide(g),
        x: c.input(0),
        y: () => wide(c.output()),
        axes,
        count,
      }),
    ];
  };
}

/** Axes absent or empty: all, unless `noop_with_empty_axes` says none. */
function reducedAxes(c: RuleContext, rank: number): number[] {
  const axes = c.numbers(1, 'axes');
  if (axes?.length) return axes.map((axis) => axisOf(axis, rank));
  return intAttribute(c.node, 'noop_with_empty_axes', 0) ? [] : axesFrom(0, rank);
}

function spread({ c, g, axes }: Reduction): string {
  return axes.length ? c.expand(g, c.inputShape(0)) : g;
}

/** The gradient goes to the extreme element; elements that tie share it equally. */
function extreme({ c, g, x, y, axes }: Reduction): string {
  const winners = c.indicator(c.op('Equal', [x, y()]), x);
  return c.mul(c.div(g, c.reduceSum(winners, axes, true)), winners);
}
