import { WhereforeError } from '../errors.ts';
import { describeNode, type Graph, type Node, namesRead } from './graph.ts';

/**
 * The graph with its nodes in topological order: the graph itself when they are, else a stable sort (a node comes as
 * early as its place in the file and its inputs allow). Names that no node produces count as known.
 * @throws WhereforeError `malformed-model` for a cycle, with the nodes on it, or for a value that two nodes produce
 */
export function sortNodes(graph: Graph): Graph {
  const producer = new Map<string, number>();
  graph.nodes.forEach((node, i) => {
    for (const name of node.outputs) {
      if (!name) continue;
      const other = producer.get(name);
      if (other !== undefined) throw producedTwice(graph, name, graph.nodes[other], node);
      producer.set(name, i);
    }
  });
  const needs = graph.nodes.map((node) => {
    const needed = new Set<number>();
    for (const name of namesRead(node)) {
      const index = producer.get(name);
      if (index !== undefined) needed.add(index);
    }
    return needed;
  });
  if (needs.every((needed, i) => [...needed].every((index) => index < i))) return graph;
  const order = depthFirst(needs, (cycle) => {
    const nodes = cycle.map((i) => describeNode(graph.nodes[i]));
    throw new WhereforeError('malformed-model', 'the graph has a cycle', {
      where: `graph "${graph.name}"`,
      got: `${nodes.slice(0, 8).join(' → ')}${nodes.length > 8 ? ' → …' : ''}`,
      fix: 'export the model again: the values of an ONNX graph cannot depend on themselves',
    });
  });
  return { ...graph, nodes: order.map((i): Node => graph.nodes[i]) };
}

function producedTwice(graph: Graph, name: string, first: Node, second: Node): WhereforeError {
  return new WhereforeError('malformed-model', `the value "${name}" is produced twice`, {
    where: `graph "${graph.name}"`,
    got:
      first === second ? `two outputs of ${describeNode(first)}` : `${describeNode(first)} and ${describeNode(second)}`,
    fix: 'give every value a name of its own: export the model again',
  });
}

/** Post-order over the needed nodes; iterative, since graphs can be deeper than the call stack. */
function depthFirst(needs: readonly ReadonlySet<number>[], onCycle: (cycle: number[]) => never): number[] {
  const order: number[] = [];
  const state = new Uint8Array(needs.length);
  const open = 1;
  const done = 2;
  for (let root = 0; root < needs.length; root++) {
    if (state[root] === done) continue;
    const path = [{ index: root, rest: needs[root].values() }];
    state[root] = open;
    while (path.length > 0) {
      const top = path[path.length - 1];
      const next = top.rest.next();
      if (next.done) {
        state[top.index] = done;
        order.push(top.index);
        path.pop();
      } else if (state[next.value] === open) {
        onCycle(path.slice(path.findIndex((step) => step.index === next.value)).map((step) => step.index));
      } else if (state[next.value] !== done) {
        state[next.value] = open;
        path.push({ index: next.value, rest: needs[next.value].values() });
      }
    }
  }
  return order;
}
