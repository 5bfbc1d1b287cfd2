import { intAttribute, type Node, operatorKey } from '../../onnx/graph.ts';
import { rearranges, traitsOf } from '../../onnx/operators.ts';
import type { RuleContext, VjpRule } from '../context.ts';
import { biasGradient, type Convolution, plainConvolution, transposedConvolution } from './convolution-input.ts';
import { weightGradient } from './convolution-weight.ts';
import { type RuleTable, smooth } from './entry.ts';
import { transposedWindowsOf, windowsOf } from './windows.ts';

/** Convolution of a Conv node (or one of its quantised forms) from the shapes of its input, weight and output. */
export function convolutionOf(
  node: Node,
  input: readonly number[],
  weight: readonly number[],
  output: readonly number[],
): Convolution {
  return {
    ...windowsOf(node, weight.slice(2), input.slice(2), output.slice(2)),
    batch: input[0],
    channels: input[1],
    outputs: output[1],
    group: intAttribute(node, 'group', 1),
  };
}

/** Whether an operator may stand between a weight of the file and its use: it is computed once, when the runtime loads the graph. */
const isFolded = (key: string) => {
  const { elementwise, broadcasts } = traitsOf(key);
  return rearranges(key) || elementwise === true || broadcasts === true;
};

/** Whether a value is the same in every run: a weight of the file, or what is computed from such weights alone. */
export function isFixed(context: RuleContext, name: string): boolean {
  if (context.builder.isInitializer(name) || context.constant(name)) return true;
  const producer = context.builder.nodes.find((node) => node.outputs.includes(name));
  return (
    producer !== undefined &&
    isFolded(operatorKey(producer)) &&
    producer.inputs.every((input) => isFixed(context, input))
  );
}

/** y = x ∗ W + b: the gradient of x is the transposed convolution, that of W the correlation of x with the gradient. */
const convolution: VjpRule = (context, [g]) => {
  if (!g) return [];
  const conv = convolutionOf(context.node, context.inputShape(0), context.inputShape(1), context.outputShape());
  const weight = context.input(1);
  return [
    context.needs(0)
      ? transposedConvolution(context, g, weight, conv, { isFixed: isFixed(context, weight) })
      : undefined,
    context.needs(1) ? weightGradient(context, context.input(0), g, conv) : undefined,
    context.needs(2) ? biasGradient(context, g, conv.kernel.length) : undefined,
  ];
};

/** The transpose of the convolution that runs from y to x with the same weight: wide and narrow change places. */
const transposed: VjpRule = (context, [g]) => {
  if (!g) return [];
  const [input, output] = [context.inputShape(0), context.outputShape()];
  const kernel = context.inputShape(1).slice(2);
  const conv: Convolution = {
    ...transposedWindowsOf(context.node, kernel, input.slice(2), output.slice(2)),
    batch: input[0],
    channels: output[1],
    outputs: input[1],
    group: intAttribute(context.node, 'group', 1),
  };
  return [
    context.needs(0) ? plainConvolution(context, g, context.input(1), conv) : undefined,
    context.needs(1) ? weightGradient(context, g, context.input(0), conv) : undefined,
    context.needs(2) ? biasGradient(context, g, kernel.length) : undefined,
  ];
};

/** Convolutions. */
export const convolutions = {
  Conv: smooth(convolution),
  ConvTranspose: smooth(transposed),
} satisfies RuleTable;
