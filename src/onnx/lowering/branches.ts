import { toNumbers } from '../../tensor/convert.ts';
import { describeNode, type Graph, type Node } from '../graph.ts';
import { mapSubgraphs, type Rewriter } from './rewrite.ts';

/**
 * Replaces an `If` whose condition is a constant by the nodes of the branch that it takes. The outputs of the `If`
 * keep their names; a value `x` inside the branch becomes `<name of the If>/x`.
 */
export function inlineBranch(node: Node, to: Rewriter): boolean {
  const condition = to.constantOf(node.inputs[0]);
  if (!condition || to.graph.inputs.some((input) => input.name === node.inputs[0])) return false;
  const branch = toNumbers(condition)[0] ? 'then' : 'else';
  if (!takeBranch(node, branch, to)) return false;
  to.note({
    code: 'branch-inlined',
    node: node.name,
    branch,
    text: `${describeNode(node)} has a constant condition: its ${branch} branch took its place`,
  });
  return true;
}

/** Puts one branch of an `If` in its place, whatever the condition. */
export function takeBranch(node: Node, branch: 'then' | 'else', to: Rewriter): boolean {
  const body = node.attributes[`${branch}_branch`];
  if (body?.kind !== 'graph') return false;
  appendGraph(body.value, new Map(), node.outputs, to);
  return true;
}

/**
 * Appends the nodes and initializers of a graph to another one, under fresh names.
 *
 * @param inputs for each graph input, the value outside that takes its place
 * @param outputs for each graph output, in order, the name that it takes outside; '' where it is not wanted
 */
export function appendGraph(
  graph: Pick<Graph, 'nodes' | 'initializers' | 'outputs'>,
  inputs: ReadonlyMap<string, string>,
  outputs: readonly string[],
  to: Rewriter,
): void {
  const produced = new Set(graph.nodes.flatMap((node) => node.outputs));
  produced.delete('');
  const names = new Map(inputs);
  const passedOn: [inner: string, outer: string][] = [];
  graph.outputs.forEach(({ name }, i) => {
    const outer = outputs[i];
    if (!outer) return;
    // An output that is an input, an initializer, a value from outside or already has a name needs a node of its own.
    if (produced.has(name) && !names.has(name)) names.set(name, outer);
    else passedOn.push([name, outer]);
  });
  for (const name of [...graph.initializers.keys(), ...produced]) if (!names.has(name)) names.set(name, to.fresh(name));
  for (const initializer of graph.initializers.values()) {
    to.initializer({ ...initializer, name: names.get(initializer.name) ?? initializer.name });
  }
  for (const node of graph.nodes) {
    // The names of nodes must not repeat either.
    to.append({ ...renameNode(node, names), name: node.name && `${to.origin}/${node.name}` });
  }
  for (const [inner, outer] of passedOn) to.op('Identity', [names.get(inner) ?? inner], {}, outer);
}

/** A node with its values renamed, inside nested graphs too, where these capture them. */
export function renameNode(node: Node, names: ReadonlyMap<string, string>): Node {
  const rename = (name: string) => names.get(name) ?? name;
  const renamed = { ...node, inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) };
  return mapSubgraphs(renamed, (graph) => renameCaptured(graph, names));
}

function renameCaptured(graph: Graph, names: ReadonlyMap<string, string>): Graph {
  const own = new Set([...graph.inputs.map((input) => input.name), ...graph.initializers.keys()]);
  for (const node of graph.nodes) for (const name of node.outputs) own.add(name);
  const outer = new Map([...names].filter(([name]) => !own.has(name)));
  return {
    ...graph,
    nodes: graph.nodes.map((node) => renameNode(node, outer)),
    outputs: graph.outputs.map((output) => ({ ...output, name: outer.get(output.name) ?? output.name })),
  };
}
