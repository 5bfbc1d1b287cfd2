import { type Graph, type Node, operatorKey, producersOf, readerCounts } from '../../onnx/graph.ts';

/**
 * Writes `x · (1 / √v)`, as exporters put root-mean-square normalizations, as `x / √v`: the form that the runtime knows
 * and runs as one operator. The two differ by a rounding.
 */
export function divideByRoots(graph: Graph): Graph {
  const producers = producersOf(graph);
  const readers = readerCounts(graph);
  const reciprocalOf = (name: string) => {
    const node = producers.get(name);
    const isOnly = node && operatorKey(node) === 'Reciprocal' && readers.get(name) === 1;
    const root = isOnly ? producers.get(node.inputs[0]) : undefined;
    return root && operatorKey(root) === 'Sqrt' ? node : undefined;
  };
  const gone = new Set<Node>();
  const nodes = graph.nodes.map((node) => {
    if (operatorKey(node) !== 'Mul') return node;
    const side = node.inputs.findIndex((name) => reciprocalOf(name));
    const reciprocal = side < 0 ? undefined : reciprocalOf(node.inputs[side]);
    if (!reciprocal) return node;
    gone.add(reciprocal);
    return { ...node, op: 'Div', inputs: [node.inputs[1 - side], reciprocal.inputs[0]] };
  });
  return gone.size ? { ...graph, nodes: nodes.filter((node) => !gone.has(node)) } : graph;
}
