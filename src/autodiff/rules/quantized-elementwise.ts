import { floatAttribute, intAttribute } from '../../onnx/graph.ts';
import { sizeOf } from '../../tensor/tensor.ts';
import type { RuleContext, VjpRule } from '../context.ts';
import { estimate, type RuleTable } from './entry.ts';
import { dequantized, noteStraightThrough, realGradient } from './quantized.ts';

/** Inputs of the binary ones: a, s_a, z_a, b, s_b, z_b, s_y, z_y. Outputs `f(real a, real b)`, quantised. */
const binary =
  (partial: (context: RuleContext, gradient: string, other: string) => string): VjpRule =>
  (context, [g]) => {
    if (!g) return [];
    noteStraightThrough(context);
    const gradient = realGradient(context, g, 6);
    const side = (index: number, other: number) =>
      context.needs(index)
        ? context.unbroadcast(
            context.mul(partial(context, gradient, dequantized(context, { input: other })), context.input(index + 1)),
            context.outputShape(),
            context.inputShape(index),
          )
        : undefined;
    const [left, right] = [side(0, 3), side(3, 0)];
    return [left, undefined, undefined, right];
  };

/** Inputs of the unary ones: x, s_x, z_x, s_y, z_y. `slope` is the derivative at the real input. */
const unary =
  (slope: (context: RuleContext, x: string) => string): VjpRule =>
  (context, [g]) => {
    if (!g) return [];
    noteStraightThrough(context);
    const scaled = context.mul(realGradient(context, g, 3), context.input(1));
    return [context.mul(scaled, slope(context, dequantized(context, { input: 0 })))];
  };

const one = (context: RuleContext) => context.scalar(1);

const sigmoidSlope = (context: RuleContext, x: string) => {
  const y = context.op('Sigmoid', [x]);
  return context.mul(y, context.sub(one(context), y));
};

const leakySlope = (context: RuleContext, x: string) => {
  const alpha = context.scalar(floatAttribute(context.node, 'alpha', 0.01));
  return context.op('Where', [context.op('Greater', [x, context.scalar(0)]), one(context), alpha]);
};

const globalAveragePool: VjpRule = (context, [g]) => {
  if (!g) return [];
  noteStraightThrough(context);
  const shape = context.inputShape(0);
  const isChannelsLast = intAttribute(context.node, 'channels_last', 0) === 1;
  const spatial = isChannelsLast ? shape.slice(1, -1) : shape.slice(2);
  const scaled = context.mul(realGradient(context, g, 3), context.input(1));
  return [context.expand(context.scale(scaled, 1 / sizeOf(spatial)), shape)];
};

/** Inputs: s_y, z_y, then x, s_x, z_x of every part. */
const concat: VjpRule = (context, [g]) => {
  if (!g) return [];
  noteStraightThrough(context);
  const axis = intAttribute(context.node, 'axis', 0);
  const gradient = realGradient(context, g, 0);
  const values = context.node.inputs.map((_, i) => i).filter((i) => i >= 2 && (i - 2) % 3 === 0);
  const sizes = values.map((index) => context.inputShape(index).at(axis) as number);
  const parts = context.ops('Split', [gradient, context.ints(sizes)], { axis }, sizes.length);
  const gradients: (string | undefined)[] = [];
  for (const [i, index] of values.entries()) {
    if (context.needs(index)) gradients[index] = context.mul(parts[i], context.input(index + 1));
  }
  return gradients;
};

/** Contrib operators that compute on quantised values one by one. */
export const quantizedElementwise = {
  'com.microsoft.QLinearAdd': estimate(binary((_, gradient) => gradient)),
  'com.microsoft.QLinearMul': estimate(binary((context, gradient, other) => context.mul(gradient, other))),
  'com.microsoft.QLinearSigmoid': estimate(unary(sigmoidSlope)),
  'com.microsoft.QLinearLeakyRelu': estimate(unary(leakySlope)),
  'com.microsoft.QLinearGlobalAveragePool': estimate(globalAveragePool),
  'com.microsoft.QLinearConcat': estimate(concat),
} satisfies RuleTable;
