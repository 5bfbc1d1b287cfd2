import { type Node, operatorKey } from '../onnx/graph.ts';
import { lookup } from '../tensor/lookup.ts';

type Shape = readonly number[];

/** Operators whose one output has the shape of the first input. */
const likeFirst =
  'Abs Acos Acosh Asin Asinh Atan Atanh BitwiseNot Cast CastLike Ceil Celu Clip Cos Cosh CumSum DequantizeLinear Elu Erf Exp ' +
  'Floor Gelu HardSigmoid HardSwish Hardmax Identity IsInf IsNaN LayerNormalization LeakyRelu Log LogSoftmax Mish Neg Not PRelu ' +
  'QuantizeLinear Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softmax Softplus Softsign Sqrt Tan Tanh ' +
  'ThresholdedRelu Trilu';

/** Operators whose one output has the shape that all inputs are stretched to. */
const broadcasting =
  'Add And Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mod Mul Or Pow Sub Sum Where Xor';

/** From the inputs, the shape of the output; how many of the inputs it needs. */
const rules: Readonly<
  Record<string, { readonly inputs: number; readonly shape: (shapes: readonly Shape[]) => Shape }>
> = {
  ...Object.fromEntries(
    likeFirst.split(' ').map((op) => [op, { inputs: 1, shape: ([first]: readonly Shape[]) => first }]),
  ),
  ...Object.fromEntries(
    broadcasting.split(' ').map((op) => [op, { inputs: Number.POSITIVE_INFINITY, shape: broadcast }]),
  ),
};

/**
 * The values that the shape of a node's output follows from, and how, for operators that work on each element alone or
 * along an axis that stays; undefined for others, whose shape the runtime tells.
 */
export function elementwiseShape(
  node: Node,
): { readonly from: readonly string[]; readonly shape: (shapes: readonly Shape[]) => Shape } | undefined {
  const rule = lookup(rules, operatorKey(node));
  if (!rule || node.outputs.length !== 1) return undefined;
  return { from: node.inputs.slice(0, rule.inputs), shape: rule.shape };
}

/** Sizes aligned at the last axis; an axis of size 1 takes the size of the others. */
function broadcast(shapes: readonly Shape[]): Shape {
  let rank = 0;
  for (const { length } of shapes) rank = Math.max(rank, length);
  const result = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    const first = rank - shape.length;
    shape.forEach((size, i) => {
      if (size !== 1) result[first + i] = size;
    });
  }
  return result;
}
