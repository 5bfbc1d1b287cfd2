import type { Graph } from '../onnx/graph.ts';
import { intsAttribute, type Node } from '../onnx/graph.ts';
import { readInitializer } from '../onnx/initializer.ts';
import { toNumbers } from '../tensor/convert.ts';
import { lookup } from '../tensor/lookup.ts';

/** Since which opset an operator takes its axes as an input; before, they are an attribute. */
const axesAsInput: Readonly<Record<string, number>> = {
  ...Object.fromEntries(
    ['Mean', 'Max', 'Min', 'Prod', 'L1', 'L2', 'LogSum', 'LogSumExp', 'SumSquare'].map((kind) => [`Reduce${kind}`, 18]),
  ),
  ReduceSum: 13,
  Squeeze: 13,
  Unsqueeze: 13,
};

/**
 * A node as an older opset writes it, where only the place of a parameter has changed: axes of reductions, and the number
 * of parts of a Split, which its outputs tell. Others are left as they are: whether the older opset takes them, the
 * runtime says when it opens the model.
 */
export function asInOpset(node: Node, opset: number, { initializers }: Graph): Node {
  if (node.domain !== '') return node;
  const axes = initializers.get(node.inputs[1] ?? '');
  if (axes && opset < (lookup(axesAsInput, node.op) ?? 0) && !intsAttribute(node, 'axes')) {
    const value = toNumbers(readInitializer(axes));
    return { ...node, inputs: [node.inputs[0]], attributes: { ...node.attributes, axes: { kind: 'ints', value } } };
  }
  if (node.op === 'Split' && opset < 18) {
    const { num_outputs: _, ...attributes } = node.attributes;
    return { ...node, attributes };
  }
  return node;
}
