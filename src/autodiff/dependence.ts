import { type Node, namesRead, operatorKey } from '../onnx/graph.ts';
import type { DataType } from '../tensor/tensor.ts';
import type { Facts } from './facts.ts';
import { isEstimated, operatorsWithRule } from './rules/index.ts';

/** Types of values that have a gradient. */
export const floatTypes: ReadonlySet<DataType> = new Set<DataType>(['float32', 'float64', 'float16', 'bfloat16']);

/**
 * Values that depend on any of `sources` through operations on floats.
 * @param stopsAt nodes whose outputs count as not depending on anything; default none
 */
export function dependentOn(
  nodes: readonly Node[],
  sources: ReadonlySet<string>,
  facts: Facts,
  stopsAt: (node: Node) => boolean = () => false,
): Set<string> {
  const dependent = new Set(sources);
  for (const node of nodes) {
    let reached = false;
    for (const name of namesRead(node)) if (dependent.has(name)) reached = true;
    if (!reached || stopsAt(node)) continue;
    for (const [i, output] of node.outputs.entries()) {
      const type = facts.types.get(output);
      // A value of integers or truth values carries no gradient; what cannot be told is kept, its rule will refuse.
      const isReal =
        !type || floatTypes.has(type) || quantized(node) || (i === 0 && carriesQuantized(node, dependent, facts));
      if (output && isReal) dependent.add(output);
    }
  }
  return dependent;
}

/** Whether a node that knows nothing of quantisation (Reshape, MaxPool, Cast) is given quantised values to move. */
function carriesQuantized(node: Node, dependent: ReadonlySet<string>, facts: Facts): boolean {
  if (!operatorsWithRule.has(operatorKey(node))) return false;
  return node.inputs.some((name) => {
    const type = facts.types.get(name);
    return dependent.has(name) && type !== undefined && !floatTypes.has(type);
  });
}

/** Quantised values are integers that stand for reals: the straight-through estimate passes them. */
function quantized(node: Node): boolean {
  return isEstimated(operatorKey(node));
}
