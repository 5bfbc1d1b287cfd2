import { WhereforeError } from '../../errors.ts';
import { type Graph, type Node, namesRead, producersOf, type ValueInfo } from '../graph.ts';

/**
 * The part of a graph that computes `outputs`, given the values `inputs`: nodes before the inputs and nodes that no
 * output needs are gone, and so are initializers that nobody reads. Graph inputs that the part still reads stay
 * inputs, after the given ones, so that a caller can tell when `inputs` do not cut the graph.
 *
 * @param inputs values that become graph inputs, in this order
 * @param outputs names of values; their declared types are kept where the graph states them
 * @throws WhereforeError `unknown-name` when a name is not a value of the graph
 */
export function extractSubgraph(
  graph: Graph,
  cut: { readonly inputs: readonly ValueInfo[]; readonly outputs: readonly string[] },
): Graph {
  const given = new Set(cut.inputs.map((input) => input.name));
  const producers = producersOf(graph);
  const declared = new Map<string, ValueInfo>();
  for (const value of [...graph.values.values(), ...graph.inputs, ...graph.outputs]) declared.set(value.name, value);
  for (const name of [...given, ...cut.outputs]) {
    if (!producers.has(name) && !declared.has(name) && !graph.initializers.has(name)) {
      throw new WhereforeError('unknown-name', `the graph has no value "${name}"`, {
        fix: 'list the values with `wherefore inspect`',
      });
    }
  }

  const reached = new Set<string>();
  const needed = new Set<Node>();
  const pending = [...cut.outputs];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (reached.has(name)) continue;
    reached.add(name);
    const producer = given.has(name) ? undefined : producers.get(name);
    if (!producer || needed.has(producer)) continue;
    needed.add(producer);
    for (const read of namesRead(producer)) pending.push(read);
  }

  const nodes = graph.nodes
    .filter((node) => needed.has(node))
    // A given value can be one of several outputs of a node that is needed for another: it is not produced twice.
    .map((node) => (node.outputs.some((name) => given.has(name)) ? withoutOutputs(node, given) : node));
  const remaining = graph.inputs.filter((input) => reached.has(input.name) && !given.has(input.name));
  const alive = new Set([...reached, ...nodes.flatMap((node) => node.outputs)]);
  return {
    name: graph.name,
    inputs: [...cut.inputs, ...remaining],
    outputs: cut.outputs.map((name) => declared.get(name) ?? outputOf(graph, name)),
    nodes,
    initializers: new Map([...graph.initializers].filter(([name]) => reached.has(name) && !given.has(name))),
    values: new Map([...graph.values].filter(([name]) => alive.has(name) && !given.has(name))),
  };
}

/** The graph without nodes, initializers and declared types that none of its outputs needs; its inputs stay. */
export function prune(graph: Graph): Graph {
  const pruned = extractSubgraph(graph, { inputs: [], outputs: graph.outputs.map((output) => output.name) });
  return { ...pruned, inputs: graph.inputs, outputs: graph.outputs };
}

function outputOf(graph: Graph, name: string): ValueInfo {
  const initializer = graph.initializers.get(name);
  return { name, type: initializer?.type, shape: initializer?.shape };
}

function withoutOutputs(node: Node, given: ReadonlySet<string>): Node {
  const outputs = node.outputs.map((name) => (given.has(name) ? '' : name));
  while (outputs.at(-1) === '') outputs.pop();
  return { ...node, outputs };
}
