import { type Graph, type Node, namesRead } from '../onnx/graph.ts';

/**
 * Nodes of the largest graph that is opened in the order in which it was made. Below it the runtime's queue of nodes
 * that are ready costs milliseconds, however long it gets.
 */
export const mostAsMade = 4000;

/**
 * The graph with every node as soon as what it reads is there, the newest first.
 *
 * When the runtime opens a graph, and at each pass of its optimizer, it sorts the nodes with a queue of those that are
 * ready, lowest index first, kept as a linked list: a new one costs as many steps as nodes wait (`KahnsTopologicalSort`
 * in ONNX Runtime). A backward pass stands behind the whole forward pass, but its masks (`y > 0`) are ready at once: for
 * a chain of n nodes n of them wait, and opening takes n² steps. In this order the queue of the chain holds two.
 *
 * @param graph its nodes in topological order
 */
export function inReadyOrder(graph: Graph): Graph {
  const { nodes } = graph;
  const { readers, missing } = dependencies(nodes);
  const ready: number[] = [];
  missing.forEach((count, i) => {
    if (count === 0) ready.push(i);
  });
  const ordered: Node[] = [];
  for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
    ordered.push(nodes[next]);
    for (const reader of readers[next]) if (--missing[reader] === 0) ready.push(reader);
  }
  return { ...graph, nodes: ordered };
}

/** For each node those that read it, in their order, and how many nodes it reads. */
function dependencies(nodes: readonly Node[]): { readers: readonly number[][]; missing: number[] } {
  const producer = new Map<string, number>();
  const readers: number[][] = nodes.map(() => []);
  const missing = nodes.map((node, i) => {
    const needed = new Set<number>();
    for (const name of namesRead(node)) {
      const index = producer.get(name);
      if (index !== undefined) needed.add(index);
    }
    for (const index of needed) readers[index].push(i);
    for (const name of node.outputs) if (name) producer.set(name, i);
    return needed.size;
  });
  return { readers, missing };
}
