import type { Graph, Node } from '../onnx/graph.ts';
import { describeNode, operatorKey, subgraphsOf, type ValueInfo } from '../onnx/graph.ts';
import { takeBranch } from '../onnx/lowering/branches.ts';
import { namesOf, rewriteGraph } from '../onnx/lowering/rewrite.ts';
import { toNumbers } from '../tensor/convert.ts';
import { memo } from '../tensor/memo.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { GradientNote } from './context.ts';
import { type Decisions, type Facts, shapeOnlyValues } from './facts.ts';

const keyOf = (node: Node) => node.outputs.find(Boolean) ?? node.name;

/** The `If` and `Loop` of a graph that decide by the elements of its inputs, not by weights and shapes alone. */
export interface ControlFlow {
  readonly nodes: readonly Node[];
  /** Whether more such decisions are made inside others, which is seen only when these are gone. */
  readonly isNested: boolean;
}

export const controlFlow: (graph: Graph) => ControlFlow = memo((graph: Graph) => findControlFlow(graph, new Set()));

/** Whether a node repeats a graph inside it. */
export const isLoop = (node: Node): boolean => node.domain === '' && (node.op === 'Loop' || node.op === 'Scan');

/** Whether a graph decides anything by the elements of its inputs, so that two inputs may take different ways. */
export function decidesByData(graph: Graph): boolean {
  const { nodes, isNested } = controlFlow(graph);
  return isNested || nodes.length > 0;
}

/** @param outer values around the graph, and inputs of a body, that do not depend on the data */
function findControlFlow(graph: Graph, outer: ReadonlySet<string>): ControlFlow {
  if (!graph.nodes.some((node) => subgraphsOf(node).length > 0)) return { nodes: [], isNested: false };
  const fixed = shapeOnlyValues(graph, outer);
  const isFixed = (name: string | undefined) => !name || fixed.has(name);
  const nodes = graph.nodes.filter((node) => {
    if (!decides(node)) return false;
    if (!isFixed(node.inputs[0])) return true;
    return node.op === 'Loop' && !(isFixed(node.inputs[1]) && staysTrue(subgraphsOf(node)[0], isFixed));
  });
  const isNested = graph.nodes.some((node) =>
    subgraphsOf(node).some((body) => {
      // The number of an iteration and the condition to go on are constants once a loop is unrolled.
      const counters = node.op === 'Loop' ? body.inputs.slice(0, 2).map(({ name }) => name) : [];
      const inner = findControlFlow(body, new Set([...fixed, ...counters]));
      return inner.isNested || inner.nodes.length > 0;
    }),
  );
  return { nodes, isNested };
}

const decides = (node: Node) => operatorKey(node) === 'If' || operatorKey(node) === 'Loop';

/** Whether the body's condition is the one that it was given, or a constant, passed on unchanged. */
export function staysTrue(body: Graph, isTrue: (name: string) => boolean): boolean {
  let name = body.outputs[0].name;
  for (;;) {
    if (name === body.inputs[1].name) return true;
    const constant = body.initializers.get(name);
    if (constant) return constant.location.kind === 'memory' && toNumbers(constant.location.tensor)[0] !== 0;
    const producer = body.nodes.find((node) => node.outputs.includes(name));
    if (!producer) return isTrue(name);
    if (producer.op !== 'Identity' && producer.op !== 'Cast') return false;
    [name] = producer.inputs;
  }
}

/** A graph whose outputs tell the decisions. */
export interface DecisionProbe {
  readonly graph: Graph;
  read(results: ReadonlyMap<string, Tensor>): Decisions;
}

/** The graph with outputs that tell what its `If` and `Loop` decide: the condition, and an element for each iteration. */
export const decisionProbe: (graph: Graph) => DecisionProbe = memo(makeProbe);

function makeProbe(graph: Graph): DecisionProbe {
  const wanted = new Set(controlFlow(graph).nodes);
  const outputs: ValueInfo[] = [];
  const loops = new Map<string, string>();
  const branches = new Map<string, string>();
  const used = new Set(graph.nodes.flatMap((node) => node.outputs));
  const fresh = (hint: string) => {
    let name = `decision/${hint}`;
    while (used.has(name)) name += '_';
    used.add(name);
    return name;
  };
  const nodes = graph.nodes.flatMap((node): Node[] => {
    if (!wanted.has(node)) return [node];
    const told = fresh(keyOf(node));
    if (node.op === 'If') {
      outputs.push({ name: told, type: 'bool', shape: undefined });
      branches.set(keyOf(node), told);
      return [
        { op: 'Identity', domain: '', name: told, inputs: [node.inputs[0]], outputs: [told], attributes: {} },
        node,
      ];
    }
    outputs.push({ name: told, type: 'int64', shape: undefined });
    loops.set(keyOf(node), told);
    return [counted(node, told, fresh)];
  });
  return {
    graph: { ...graph, nodes, outputs },
    read: (results) => ({
      trips: new Map([...loops].map(([key, name]) => [key, results.get(name)?.data.length ?? 0])),
      branches: new Map([...branches].map(([key, name]) => [key, toNumbers(results.get(name) as Tensor)[0] !== 0])),
    }),
  };
}

/** A Loop that also collects the number of every iteration. */
function counted(node: Node, told: string, fresh: (hint: string) => string): Node {
  const [body] = subgraphsOf(node);
  const iteration = fresh('iteration');
  const count: Node = {
    op: 'Identity',
    domain: '',
    name: iteration,
    inputs: [body.inputs[0].name],
    outputs: [iteration],
    attributes: {},
  };
  const padding = body.outputs.slice(1 + node.outputs.length).map(() => fresh('unread'));
  const value: Graph = {
    ...body,
    nodes: [...body.nodes, count],
    outputs: [...body.outputs, { name: iteration, type: 'int64', shape: [] }],
  };
  return {
    ...node,
    outputs: [...node.outputs.map((name) => name || fresh('unread')), ...padding, told],
    attributes: { ...node.attributes, body: { kind: 'graph', value } },
  };
}

/** What the reader of a gradient must know of each decision that was followed. */
export function decisionNotes(graph: Graph, { trips, branches }: Decisions): GradientNote[] {
  return graph.nodes.flatMap((node): GradientNote[] => {
    const [count, branch] = [trips.get(keyOf(node)), branches.get(keyOf(node))];
    if (!decides(node) || (count === undefined && branch === undefined)) return [];
    const how =
      node.op === 'If'
        ? `${branch ? 'its "then" branch' : 'its "else" branch'}, which is taken here`
        : `the ${count} iterations that it runs here`;
    const text = `${describeNode(node)} decides by the data: the gradient is that of ${how}; at other inputs it may decide otherwise`;
    return [{ code: 'decision', node: node.name || keyOf(node), operator: node.op, text }];
  });
}

/** How often a Loop ran, where a run told it. */
export const tripsOf = (node: Node, { decisions }: Facts): number | undefined => decisions?.trips.get(keyOf(node));

/** Puts in the place of every `If` the branch that a run told it takes; the same graph object where there is none. */
export function takeBranches(graph: Graph, { decisions }: Facts): Graph {
  if (!decisions?.branches.size) return graph;
  return rewriteGraph(
    graph,
    (node, to) => {
      const branch = to.graph === graph && node.op === 'If' ? decisions.branches.get(keyOf(node)) : undefined;
      return branch !== undefined && takeBranch(node, branch ? 'then' : 'else', to);
    },
    namesOf(graph),
    [],
  );
}
