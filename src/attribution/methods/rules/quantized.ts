import type { RuleContext } from '../../../autodiff/context.ts';
import { parameter, quantizationAxis, rangeOf, real } from '../../../autodiff/rules/quantized.ts';
import { intAttribute } from '../../../onnx/graph.ts';

/** Store reals as integers. */
export const quantizers: ReadonlySet<string> = new Set(['QuantizeLinear', 'com.microsoft.QuantizeLinear']);

/** A value in a float type: what quantisation stores as integers is cast. */
export function asReal(c: RuleContext, name: string): string {
  return c.gradientType(name) === c.type(name) ? name : c.declare(real(c, name), c.shape(name));
}

/**
 * The multiplier Δq/Δx of a quantisation q = clip(x/s + z) without its rounding, which would make it as large as one step
 * over any small Δx. Where the inputs are equal up to `smallest`, the derivative 1/s.
 *
 * @param twin the value at the reference
 */
export function clampedMultiplier(c: RuleContext, g: string, twin: (name: string) => string, smallest: number): string {
  const shape = c.inputShape(0);
  const axis = quantizationAxis(c, shape.length);
  const blockSize = intAttribute(c.node, 'block_size', 0);
  const scale = parameter(c, 1, shape, axis, blockSize) as string;
  const zeroPoint = parameter(c, 2, shape, axis, blockSize);
  const [low, high] = rangeOf(c, c.output());
  const stored = (x: string) => {
    const quotient = c.div(x, scale);
    const moved = zeroPoint ? c.add(quotient, zeroPoint) : quotient;
    return c.op('Clip', [moved, c.scalar(low), c.scalar(high)]);
  };
  const [x, other] = [c.input(0), twin(c.input(0))].map((name) => real(c, name));
  const difference = c.sub(x, other);
  const near = c.op('Less', [c.op('Abs', [difference]), c.scalar(smallest)]);
  const ratio = c.div(c.sub(stored(x), stored(other)), c.op('Where', [near, c.scalar(1), difference]));
  return c.mul(g, c.op('Where', [near, c.op('Reciprocal', [scale]), ratio]));
}
