import type { Facts } from '../../autodiff/facts.ts';
import type { GraphBuilder } from '../../onnx/builder.ts';
import { floatAttribute, intAttribute, type Node, nodeOf, operatorKey } from '../../onnx/graph.ts';
import { codeOfDataType } from '../../onnx/types.ts';
import type { Selection, Unselected } from './selection.ts';

/**
 * Whether a node multiplies selected rows `[B · S, positions]` with a matrix and there are coalitions enough for
 * {@link productOfPlaces}: what it computes once for all of them is then no larger than the rows of the product.
 */
export function isProductOfPositions(
  node: Node,
  unselected: ReadonlyMap<string, Unselected>,
  { coalitions, positions }: Selection,
  { shapes, types }: Facts,
): boolean {
  const key = operatorKey(node);
  if (key !== 'MatMul' && key !== 'Gemm') return false;
  const [rows, matrix, bias] = node.inputs;
  const isPlain = shapes.get(rows)?.length === 2 && shapes.get(matrix)?.length === 2 && types.get(rows) === 'float32';
  const isAcross = unselected.get(rows)?.axis === 1 && intAttribute(node, 'transA', 0) === 0;
  const isFixed = !unselected.has(matrix) && !(bias && unselected.has(bias));
  const [biasRows = 1] = (bias && shapes.get(bias)?.toReversed().slice(1)) || [];
  return isPlain && isAcross && isFixed && biasRows === 1 && positions <= coalitions;
}

/**
 * Nodes that multiply selected rows with a matrix W without making the rows. With the input p and sample a_s of the
 * baseline, of which f_s is the one and o_s the other at each position, and with h that says whether a coalition takes
 * the other, `x_bs W = f_s W + Σ_j h_bj (o_s − f_s)_j W_j`: one product of `[h, 1]` with the matrices of all samples
 * side by side. At each position f is the input where the samples reach further from zero, so that a value as large as a
 * mark for a missing number costs no digits in the rows that do not hold it.
 * @param value the input and the samples, `[1 + S, positions]`
 */
export function productOfPositions(
  node: Node,
  value: string,
  { held, coalitions, samples, positions }: Selection,
  { shapes }: Facts,
  builder: GraphBuilder,
): Node[] {
  const nodes: Node[] = [];
  const append = (op: string, inputs: readonly string[], attributes = {}, output = builder.fresh(op)) => {
    nodes.push(nodeOf(op, inputs, output, attributes));
    return output;
  };
  const reshape = (name: string, ...shape: number[]) => append('Reshape', [name, builder.ints(shape)]);
  const [output] = node.outputs;
  const shape = shapes.get(output) ?? [];
  const features = shape[1];
  const present = append('Slice', [value, builder.ints([0]), builder.ints([1]), builder.ints([0])]);
  const absent = append('Slice', [value, builder.ints([1]), builder.ints([1 + samples]), builder.ints([0])]);

  const farthest = append('ReduceMax', [append('Abs', [absent]), builder.ints([0])], { keepdims: 1 });
  const isFromInput = append('Less', [append('Abs', [present]), farthest]);
  const first = append('Where', [isFromInput, present, absent]);
  const other = append('Where', [isFromInput, absent, present]);

  const alone = builder.fresh(node.op);
  nodes.push({ ...node, name: alone, inputs: [first, ...node.inputs.slice(1)], outputs: [alone] });

  const difference = append('Transpose', [append('Sub', [other, first])], { perm: [1, 0] });
  const scale = floatAttribute(node, 'alpha', 1);
  const scaled = scale === 1 ? difference : append('Mul', [difference, builder.scalar(scale)]);
  const isTransposed = intAttribute(node, 'transB', 0) === 1;
  const matrix = isTransposed ? append('Transpose', [node.inputs[1]], { perm: [1, 0] }) : node.inputs[1];
  const moved = append('Mul', [reshape(scaled, positions, samples, 1), reshape(matrix, positions, 1, features)]);
  const all = [reshape(moved, positions, samples * features), reshape(alone, 1, samples * features)];

  const takesOther = append('Xor', [reshape(held, coalitions, positions), isFromInput]);
  const factors = append('Cast', [takesOther], { to: codeOfDataType.float32 });
  const always = builder.constant({
    type: 'float32',
    shape: [coalitions, 1],
    data: new Float32Array(coalitions).fill(1),
  });
  const product = append('MatMul', [
    append('Concat', [factors, always], { axis: 1 }),
    append('Concat', all, { axis: 0 }),
  ]);
  append('Reshape', [product, builder.ints(shape)], {}, output);
  return nodes;
}
