import { describeNode, type Graph, type Node, operatorKey, subgraphsOf } from '../graph.ts';
import { readInitializer } from '../initializer.ts';
import { traitsOf } from '../operators.ts';
import type { LoweringNote } from './notes.ts';

/** The nodes of a graph, and of the graphs inside it, that draw at random, a dropout left in training mode among them. */
export function randomDraws(graph: Graph): LoweringNote[] {
  return graph.nodes.flatMap((node) => [
    ...subgraphsOf(node).flatMap(randomDraws),
    ...(isRandom(node, graph) ? [noteOf(node)] : []),
  ]);
}

function isRandom(node: Node, { initializers }: Graph): boolean {
  if (traitsOf(operatorKey(node)).random) return true;
  const mode = node.op === 'Dropout' ? initializers.get(node.inputs[2] ?? '') : undefined;
  return mode !== undefined && mode.location.kind !== 'file' && Number(readInitializer(mode).data[0]) !== 0;
}

const noteOf = (node: Node): LoweringNote => ({
  code: 'random',
  node: node.name || node.outputs[0],
  operator: operatorKey(node),
  text: `${describeNode(node)} draws at random: every run of the model has other values, so that sums need not agree and a replay differs; export the model without it (its mean)`,
});
