import { type Graph, type Node, operatorKey } from '../graph.ts';
import type { LoweringNote } from './notes.ts';

/**
 * Replaces every `ZipMap` by its input: a sequence of maps from class to score holds what the tensor of scores
 * [batch, classes] does, and only tensors can be read, compared and explained. Column i belongs to the i-th label of the
 * node.
 */
export function unzipMaps(graph: Graph, notes: LoweringNote[]): Graph {
  const unzipped = new Set<string>();
  const nodes = graph.nodes.map((node): Node => {
    if (operatorKey(node) !== 'ai.onnx.ml.ZipMap') return node;
    for (const name of node.outputs) unzipped.add(name);
    const text = `output "${node.outputs[0]}" is given as a tensor of scores instead of maps`;
    notes.push({ code: 'expanded', node: node.name, operator: 'ai.onnx.ml.ZipMap', text });
    return { ...node, op: 'Identity', domain: '', attributes: {} };
  });
  if (unzipped.size === 0) return graph;
  const outputs = graph.outputs.map((output) =>
    unzipped.has(output.name) ? { name: output.name, type: 'float32' as const, shape: [undefined, undefined] } : output,
  );
  return { ...graph, nodes, outputs };
}
