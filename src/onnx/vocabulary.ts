import { type Graph, intAttribute, operatorKey } from './graph.ts';
import { traitsOf } from './operators.ts';

/**
 * How many tokens a model knows: the rows of the smallest table of weights that an input looks up. undefined for an
 * input that looks nothing up.
 */
export function vocabularySize({ nodes, initializers }: Graph, input: string): number | undefined {
  const ids = new Set([input]);
  let size: number | undefined;
  for (const node of nodes) {
    const [first, second] = node.inputs;
    if (traitsOf(operatorKey(node)).moves === 'order' && ids.has(first)) ids.add(node.outputs[0]);
    if (node.op !== 'Gather' || !ids.has(second)) continue;
    const rows = initializers.get(first)?.shape[intAttribute(node, 'axis', 0)];
    if (rows !== undefined) size = Math.min(size ?? rows, rows);
  }
  return size;
}
