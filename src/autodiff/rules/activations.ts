import { floatAttribute, intAttribute, stringAttribute } from '../../onnx/graph.ts';
import type { RuleContext } from '../context.ts';
import { axisOf } from './axes.ts';
import { kinked, type RuleTable, smooth, unary } from './entry.ts';

/** Activation functions. */
export const activations = {
  // The mask comes from the output, so that convolution, normalisation and ReLU can stay one fused kernel.
  Relu: kinked(
    unary((c, g, _, y) => c.mul(g, c.indicator(positive(c, y), y))),
    '0 at 0',
  ),
  // With alpha > 0 the output has the input's sign; a mask from it lets Conv + LeakyRelu stay one kernel.
  LeakyRelu: kinked(
    unary((c, g, x, y) => {
      const alpha = floatAttribute(c.node, 'alpha', 0.01);
      return where(c, positive(c, alpha > 0 ? y : x), g, c.scale(g, alpha, y));
    }),
    'alpha at 0',
  ),
  PRelu: kinked((c, [g]) => {
    if (!g) return [];
    const [x, slope] = [c.input(0), c.input(1)];
    const above = positive(c, x);
    return [
      c.needs(0) ? where(c, above, g, c.mul(g, slope)) : undefined,
      c.needs(1)
        ? c.unbroadcast(where(c, above, c.scalar(0, x), c.mul(g, x)), c.outputShape(), c.inputShape(1))
        : undefined,
    ];
  }, 'the slope at 0'),
  // x, or α(eˣ − 1) below 0, whose slope is αeˣ = y + α.
  Elu: kinked(
    unary((c, g, x, y) =>
      where(c, positive(c, x), g, c.mul(g, c.add(y, c.scalar(floatAttribute(c.node, 'alpha', 1), y)))),
    ),
    'alpha at 0',
  ),
  Selu: kinked(
    unary((c, g, x, y) => {
      const alpha = floatAttribute(c.node, 'alpha', 1.6732632423543772);
      const gamma = floatAttribute(c.node, 'gamma', 1.0507009873554805);
      return where(c, positive(c, x), c.scale(g, gamma, y), c.mul(g, c.add(y, c.scalar(alpha * gamma, y))));
    }),
    'alpha · gamma at 0',
  ),
  // x, or α(e^(x/α) − 1) below 0, whose slope is e^(x/α) = y/α + 1.
  Celu: smooth(
    unary((c, g, x, y) => {
      const alpha = floatAttribute(c.node, 'alpha', 1);
      return where(c, positive(c, x), g, c.mul(g, c.add(c.scale(y, 1 / alpha, y), c.scalar(1, y))));
    }),
  ),
  Gelu: smooth(
    unary((c, g, x) =>
      c.mul(g, stringAttribute(c.node, 'approximate', 'none') === 'tanh' ? geluTanhSlope(c, x) : geluSlope(c, x)),
    ),
  ),
  // x·t with t = tanh(softplus x): t + x·(1 − t²)·σ(x)
  Mish: smooth(
    unary((c, g, x) => {
      const t = c.op('Tanh', [c.op('Softplus', [x])]);
      const bend = c.mul(c.sub(c.scalar(1, x), c.mul(t, t)), c.op('Sigmoid', [x]));
      return c.mul(g, c.add(t, c.mul(x, bend)));
    }),
  ),
  HardSigmoid: kinked(
    unary((c, g, _, y) => c.mul(c.scale(g, floatAttribute(c.node, 'alpha', 0.2), y), c.indicator(inside01(c, y), y))),
    '0 at the limits',
  ),
  // x·h with h = clip(x/6 + 1/2, 0, 1): h + x/6 where h is neither 0 nor 1.
  HardSwish: kinked(
    unary((c, g, x) => {
      const h = c.op('HardSigmoid', [x], {
        alpha: { float: 1 / 6 },
        beta: { float: 0.5 },
      });
      return c.mul(g, c.add(h, c.mul(c.scale(x, 1 / 6, x), c.indicator(inside01(c, h, x), x))));
    }),
    '0 at -3, 1 at 3',
  ),
  Sigmoid: smooth(unary((c, g, _, y) => c.mul(g, c.mul(y, c.sub(c.scalar(1, y), y))))),
  Tanh: smooth(unary((c, g, _, y) => c.mul(g, c.sub(c.scalar(1, y), c.mul(y, y))))),
  Softplus: smooth(unary((c, g, x) => c.mul(g, c.op('Sigmoid', [x])))),
  // x/(1 + |x|): 1/(1 + |x|)²
  Softsign: smooth(
    unary((c, g, x) => {
      const scale = c.add(c.op('Abs', [x]), c.scalar(1, x));
      return c.div(g, c.mul(scale, scale));
    }),
  ),
  ThresholdedRelu: kinked(
    unary((c, g, x) => c.mul(g, c.indicator(c.op('Greater', [x, c.scalar(floatAttribute(c.node, 'alpha', 1), x)]), x))),
    '0 at the threshold',
  ),
  Shrink: kinked(
    unary((c, g, x) => {
      const limit = c.scalar(floatAttribute(c.node, 'lambd', 0.5), x);
      return c.mul(g, c.indicator(c.op('Greater', [c.op('Abs', [x]), limit]), x));
    }),
    '0 at the threshold',
  ),
  // y·(ȳ − Σ ȳ·y)
  Softmax: smooth(
    unary((c, g, x, y) => {
      const axis = axisOf(intAttribute(c.node, 'axis', -1), c.shape(x).length);
      return c.mul(y, c.sub(g, c.reduceSum(c.mul(g, y), [axis], true)));
    }),
  ),
  // ȳ − eʸ·Σ ȳ
  LogSoftmax: smooth(
    unary((c, g, x, y) => {
      const axis = axisOf(intAttribute(c.node, 'axis', -1), c.shape(x).length);
      return c.sub(g, c.mul(c.op('Exp', [y]), c.reduceSum(g, [axis], true)));
    }),
  ),
} satisfies RuleTable;

const where = (c: RuleContext, condition: string, a: string, b: string) => c.op('Where', [condition, a, b]);
const positive = (c: RuleContext, x: string) => c.op('Greater', [x, c.scalar(0, x)]);
/** Whether 0 < y < 1; `like` has the element type. */
const inside01 = (c: RuleContext, y: string, like = y) =>
  c.op('And', [c.op('Greater', [y, c.scalar(0, like)]), c.op('Less', [y, c.scalar(1, like)])]);

/** Φ(x) + x·φ(x), with the normal distribution and its density. */
function geluSlope(c: RuleContext, x: string): string {
  const half = c.scale(c.op('Erf', [c.scale(x, Math.SQRT1_2, x)]), 0.5, x);
  const density = c.scale(c.op('Exp', [c.scale(c.mul(x, x), -0.5, x)]), 1 / Math.sqrt(2 * Math.PI), x);
  return c.add(c.add(half, c.scalar(0.5, x)), c.mul(x, density));
}

/** Of x/2·(1 + t), t = tanh u, u = √(2/π)·(x + 0.044715·x³): (1 + t)/2 + x/2·(1 − t²)·u' */
function geluTanhSlope(c: RuleContext, x: string): string {
  const root = Math.sqrt(2 / Math.PI);
  const square = c.mul(x, x);
  const u = c.mul(x, c.add(c.scale(square, 0.044715 * root, x), c.scalar(root, x)));
  const t = c.op('Tanh', [u]);
  const du = c.add(c.scale(square, 3 * 0.044715 * root, x), c.scalar(root, x));
  const bend = c.mul(c.sub(c.scalar(1, x), c.mul(t, t)), du);
  return c.scale(c.add(c.add(t, c.scalar(1, x)), c.mul(x, bend)), 0.5, x);
}
