import { intAttribute } from '../../onnx/graph.ts';
import { codeOfDataType } from '../../onnx/types.ts';
import { toNumbers } from '../../tensor/convert.ts';
import { sizeOf } from '../../tensor/tensor.ts';
import type { RuleContext, VjpRule } from '../context.ts';
import { binary, kinked, type RuleTable, smooth, unary } from './entry.ts';

/** Arithmetic with broadcasting, selection and conversion. */
export const arithmetic = {
  Add: smooth(
    binary(
      (_, g) => g,
      (_, g) => g,
    ),
  ),
  Sub: smooth(
    binary(
      (_, g) => g,
      (c, g) => c.neg(g),
    ),
  ),
  Mul: smooth(
    binary(
      (c, g, _, b) => c.mul(g, b),
      (c, g, a) => c.mul(g, a),
    ),
  ),
  // d(a/b) = da/b − (a/b)·db/b
  Div: smooth(
    binary(
      (c, g, _, b) => c.div(g, b),
      (c, g, _, b) => c.neg(c.div(c.mul(g, c.output()), b)),
    ),
  ),
  Pow: smooth(
    binary(powerOfBase, powerOfExponent),
    'a root: 0 at 0; to the exponent: 0 at base 0, NaN for a negative base',
  ),
  // a mod b = a − b·q with an integer q: da − q·db. Rounding removes what is lost in (a − y)/b.
  Mod: kinked(
    binary(
      (_, g) => g,
      (c, g, a, b) => c.neg(c.mul(g, c.op('Round', [c.div(c.sub(a, c.output()), b)]))),
    ),
    'at a jump that of the side taken',
  ),
  Sum: smooth(variadic((_, g) => g)),
  Mean: smooth(variadic((c, g) => c.scale(g, 1 / c.node.inputs.length, c.output()))),
  Max: kinked(extreme, 'ties share the gradient equally'),
  Min: kinked(extreme, 'ties share the gradient equally'),
  Clip: kinked(clip, '0 at the limits'),
  Where: smooth((c, [g]) => {
    if (!g) return [];
    const zero = c.scalar(0, c.output());
    const side = (index: number, selected: readonly [string, string]) =>
      c.needs(index)
        ? c.unbroadcast(c.op('Where', [c.input(0), ...selected]), c.outputShape(), c.inputShape(index))
        : undefined;
    return [undefined, side(1, [g, zero]), side(2, [zero, g])];
  }),
  Cast: smooth(unary(castBack), 'between float types; to an integer or truth value: none'),
  CastLike: smooth((c, [g]) => [g && castBack(c, g)]),
  // What was summed from the front is summed from the back.
  CumSum: smooth((c, [g]) => {
    const { node } = c;
    const reverse = intAttribute(node, 'reverse', 0) ? 0 : 1;
    return [
      g &&
        c.op('CumSum', [g, c.input(1)], {
          exclusive: intAttribute(node, 'exclusive', 0),
          reverse,
        }),
    ];
  }),
} satisfies RuleTable;

/** ∂aᵇ/∂a = b·aᵇ⁻¹, which is 0 for b = 0, at a = 0 too. */
function powerOfBase(c: RuleContext, g: string, a: string, b: string): string {
  const known = c.constant(b);
  if (known && sizeOf(known.shape) === 1) {
    const [power] = toNumbers(known);
    if (power === 0) return c.mul(g, c.scalar(0, a));
    const scaled = c.scale(g, power, a);
    if (power > 0 && power < 1) return c.div(scaled, infiniteAtZero(c, a, c.op('Pow', [a, c.scalar(1 - power, a)])));
    const rest = power === 1 ? undefined : power === 2 ? a : c.op('Pow', [a, c.scalar(power - 1, a)]);
    return rest ? c.mul(scaled, rest) : scaled;
  }
  const power = asFloat(c, b, a);
  const lower = c.sub(power, c.scalar(1, a));
  const none = c.op('And', [c.op('Equal', [a, c.scalar(0, a)]), c.op('Equal', [power, c.scalar(0, a)])]);
  return c.mul(c.mul(g, power), c.op('Pow', [a, c.op('Where', [none, c.scalar(1, a), lower])]));
}

/** `divisor`, and ∞ where `a` is 0: like √a, a root has the gradient 0 there, where its derivative is infinite. */
function infiniteAtZero(c: RuleContext, a: string, divisor: string): string {
  return c.op('Where', [c.op('Equal', [a, c.scalar(0, a)]), c.scalar(Number.POSITIVE_INFINITY, a), divisor]);
}

/** ∂aᵇ/∂b = aᵇ·ln a, taken as 0 at a = 0; NaN for a < 0, where it does not exist. */
function powerOfExponent(c: RuleContext, g: string, a: string): string {
  const positive = c.op('Where', [c.op('Equal', [a, c.scalar(0, a)]), c.scalar(1, a), a]);
  return c.mul(g, c.mul(c.output(), c.op('Log', [positive])));
}

/** The value `name` in the element type of `like`. */
function asFloat(c: RuleContext, name: string, like: string): string {
  return c.type(name) === c.type(like) ? name : c.op('Cast', [name], { to: codeOfDataType[c.type(like)] });
}

function castBack(c: RuleContext, g: string): string {
  const [from, to] = [c.gradientType(c.output()), c.gradientType(c.input(0))];
  return from === to ? g : c.op('Cast', [g], { to: codeOfDataType[to] });
}

function variadic(gradient: (c: RuleContext, g: string, index: number) => string): VjpRule {
  return (c, [g]) =>
    c.node.inputs.map((_, i) =>
      g && c.needs(i) ? c.unbroadcast(gradient(c, g, i), c.outputShape(), c.inputShape(i)) : undefined,
    );
}

/** The gradient goes to the inputs that are the extreme; inputs that tie share it equally. */
function extreme(c: RuleContext, [g]: readonly (string | undefined)[]) {
  if (!g) return [];
  if (c.node.inputs.length === 1) return [g];
  const y = c.output();
  const winners = c.node.inputs.map((x) => c.indicator(c.op('Equal', [x, y]), y));
  const share = c.div(g, c.op('Sum', winners));
  return winners.map((winner, i) =>
    c.needs(i) ? c.unbroadcast(c.mul(share, winner), c.outputShape(), c.inputShape(i)) : undefined,
  );
}

/**
 * min(max(x, low), high). The mask comes from the output, so that convolution and clipping can stay one fused kernel;
 * subgradient 0 at the limits. The limits themselves get the gradient of the values that they cut off.
 */
function clip(c: RuleContext, [g]: readonly (string | undefined)[]) {
  if (!g) return [];
  const [x, y, low, high] = [c.input(0), c.output(), c.input(1), c.input(2)];
  const all = (conditions: string[]) => conditions.reduce((a, b) => c.op('And', [a, b]));
  const masked = (conditions: string[]) => c.mul(g, c.indicator(all(conditions), x));
  const inside = [...(low ? [c.op('Greater', [y, low])] : []), ...(high ? [c.op('Less', [y, high])] : [])];
  const limit = (index: number, gradient: () => string) =>
    c.needs(index) ? c.unbroadcast(gradient(), c.inputShape(0), c.inputShape(index)) : undefined;
  return [
    c.needs(0) ? (inside.length ? masked(inside) : g) : undefined,
    // Where low > high, everything is `high`.
    limit(1, () => masked([c.op('Less', [x, low]), ...(high ? [c.op('Less', [low, high])] : [])])),
    limit(2, () => masked([c.op('Greater', [low ? c.op('Max', [x, low]) : x, high])])),
  ];
}
