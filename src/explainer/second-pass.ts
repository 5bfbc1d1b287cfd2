import type { GraphBuilder } from '../onnx/builder.ts';
import type { Graph } from '../onnx/graph.ts';
import { renameNode } from '../onnx/lowering/branches.ts';
import { extractSubgraph } from '../onnx/lowering/extract.ts';
import { prefix } from './adapter.ts';

/**
 * Appends the nodes of a frozen model once more, for another input; the weights are those that the builder has already.
 * @returns what `output` is called in the second pass
 */
export function secondPass(builder: GraphBuilder, graph: Graph, input: string, other: string, output: string): string {
  const part = extractSubgraph({ ...graph, values: new Map() }, { inputs: [], outputs: [output] });
  const names = new Map([[input, other]]);
  for (const node of part.nodes)
    for (const name of node.outputs) if (name) names.set(name, builder.fresh(`${prefix}second/${name}`));
  for (const node of part.nodes) {
    builder.append({ ...renameNode(node, names), name: `${prefix}second/${node.name}` });
  }
  return names.get(output) as string;
}
