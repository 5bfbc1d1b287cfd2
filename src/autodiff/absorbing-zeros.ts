import { GraphBuilder } from '../onnx/builder.ts';
import { type Graph, type Node, operatorKey } from '../onnx/graph.ts';
import { traitsOf } from '../onnx/operators.ts';
import { inferTypes } from '../onnx/types.ts';
import { toNumbers } from '../tensor/convert.ts';
import type { DataType } from '../tensor/tensor.ts';

/**
 * Rewrites a backward pass so that a gradient of exactly 0 stays 0 where the local derivative is infinite or not a
 * number: `0 · d = 0` for every `d`, where floating-point arithmetic gives NaN for `0 · ∞` and `0 · NaN`.
 *
 * That is the chain rule where a value does not influence the result: the branch that a `Where` did not select, a
 * score behind a mask, a probability that no loss reads. A gradient that is not 0 still meets `∞` and NaN and shows them.
 *
 * Only products of a gradient with something else are rewritten, and they give what they gave wherever that was a number;
 * so the result can be differentiated again.
 *
 * @param first index of the first node of the backward pass
 * @param seeds values that hold the gradients that flow into the outputs
 */
export function absorbZeros(graph: Graph, first: number, seeds: Iterable<string>): Graph {
  const builder = new GraphBuilder({ ...graph, nodes: graph.nodes.slice(0, first) }, { prefix: 'absorbed/' });
  const types = inferTypes(graph);
  const gradients = new Set(seeds);
  for (const node of graph.nodes.slice(first)) {
    const side = node.inputs.findIndex((name) => gradients.has(name));
    if (side >= 0) for (const name of node.outputs) gradients.add(name);
    const other = node.inputs[1 - side];
    const isProduct = (side === 0 || side === 1) && other && !gradients.has(other) && !isFiniteConstant(graph, other);
    const type = types.get(node.outputs[0]) ?? 'float32';
    if (isProduct && (node.op === 'Mul' || (node.op === 'Div' && side === 0))) eachElement(builder, node, side, type);
    else if (isProduct && traitsOf(operatorKey(node)).sumOfProducts) sumOfProducts(builder, node, side, type);
    else builder.append(node);
  }
  return builder.build();
}

/** `p = ḡ·d` or `ḡ/d`, and 0 where it is not a number though `ḡ` is 0. */
function eachElement(builder: GraphBuilder, node: Node, side: number, type: DataType): void {
  const zero = builder.scalar(0, type);
  const product = builder.fresh(node.op);
  builder.append({ ...node, name: product, outputs: [product] });
  const isVoid = builder.op('And', [builder.op('Equal', [node.inputs[side], zero]), builder.op('IsNaN', [product])]);
  builder.op('Where', [isVoid, zero, product], {}, { outputs: node.outputs });
}

/** `Σ ḡ·d` over the finite `d` alone, and NaN where a `ḡ` that is not 0 meets another. */
function sumOfProducts(builder: GraphBuilder, node: Node, side: number, type: DataType): void {
  const zero = builder.scalar(0, type);
  const given = node.inputs[1 - side];
  const isNumber = builder.op('Equal', [builder.op('Mul', [given, zero]), zero]);
  const pair = (gradient: string, factor: string) => (side === 0 ? [gradient, factor] : [factor, gradient]);
  const again = (inputs: readonly string[]) => {
    const output = builder.fresh(node.op);
    builder.append({ ...node, name: output, inputs, outputs: [output] });
    return output;
  };
  const indicator = (condition: string) => builder.op('Where', [condition, zero, builder.scalar(1, type)]);
  const rest = node.inputs.slice(2);
  const sum = again([...pair(node.inputs[side], builder.op('Where', [isNumber, given, zero])), ...rest]);
  const meetings = again(pair(indicator(builder.op('Equal', [node.inputs[side], zero])), indicator(isNumber)));
  const isClean = builder.op('Equal', [meetings, zero]);
  builder.op('Where', [isClean, sum, builder.scalar(Number.NaN, type)], {}, { outputs: node.outputs });
}

/** Whether a value is a constant in memory without ∞ and NaN, or a weight of the file, which is taken to be. */
function isFiniteConstant(graph: Graph, name: string): boolean {
  const constant = graph.initializers.get(name);
  if (!constant) return false;
  return constant.location.kind !== 'memory' || toNumbers(constant.location.tensor).every(Number.isFinite);
}
