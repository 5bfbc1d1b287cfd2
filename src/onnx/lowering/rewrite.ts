import { fromNumbers } from '../../tensor/convert.ts';
import { type DataType, int64, type Tensor } from '../../tensor/tensor.ts';
import {
  type Attributes,
  attributesOf,
  type Graph,
  type Initializer,
  type Node,
  type PlainAttributes,
  subgraphsOf,
} from '../graph.ts';
import { readInitializer } from '../initializer.ts';
import { toInt64 } from '../int64.ts';
import { inferTypes } from '../types.ts';
import type { LoweringNote } from './notes.ts';
import { inferRanks } from './ranks.ts';

/** What a rewrite may ask about the graph, and how it appends the nodes that replace one. */
export interface Rewriter {
  /** Appends a node of the standard domain and returns its output's name; `output` names it, else it is fresh. */
  op(op: string, inputs: readonly string[], attributes?: PlainAttributes, output?: string): string;
  /** Appends a node with several outputs: as many as given, or with the names given ('' leaves one out). */
  ops(
    op: string,
    inputs: readonly string[],
    attributes: PlainAttributes,
    outputs: number | readonly string[],
  ): string[];
  /** Appends a finished node. */
  append(node: Node): void;
  /** Adds a constant under a fresh name. */
  constant(tensor: Tensor): string;
  /** Adds a one-dimensional int64 constant; numbers saturate to 64 bits. */
  ints(values: readonly number[]): string;
  /** Adds a constant without axes. Default type float32. */
  scalar(value: number, type?: DataType): string;
  /** Adds an initializer that has a name already. */
  initializer(initializer: Initializer): void;
  /** A name that nothing in the model has; new values are called after the node being replaced. */
  fresh(hint: string): string;
  /** What the node being replaced is called: its name, or else its first output's. */
  readonly origin: string;
  /** The elements of a value that is a constant held in memory. */
  constantOf(name: string | undefined): Tensor | undefined;
  /** The initializer of this name, here or around this graph. */
  initializerOf(name: string): Initializer | undefined;
  typeOf(name: string | undefined): DataType | undefined;
  rankOf(name: string | undefined): number | undefined;
  /** Whether anything reads this value: a node, a nested graph, or the graph's outputs. */
  isRead(name: string): boolean;
  note(note: LoweringNote): void;
  /** The graph that is being rewritten, as it was. */
  readonly graph: Graph;
}

/**
 * Replaces a node by appending others, which must produce the same output names, and returns true;
 * returns false, having appended nothing, to leave the node as it is.
 */
export type Rewrite = (node: Node, to: Rewriter) => boolean;

/**
 * Rewrites a node of an older opset for the newest version of its operator; like {@link Rewrite}, with the opset
 * that the node was written for.
 */
export type Upgrade = (node: Node, to: Rewriter, from: number) => boolean;

/** All names of a graph: values, nodes and those of nested graphs. */
export function namesOf(graph: Graph, names: Set<string> = new Set()): Set<string> {
  for (const { name } of [...graph.inputs, ...graph.outputs]) names.add(name);
  for (const name of graph.initializers.keys()) names.add(name);
  for (const node of graph.nodes) {
    for (const name of [node.name, ...node.inputs, ...node.outputs]) names.add(name);
    for (const inner of subgraphsOf(node)) namesOf(inner, names);
  }
  return names;
}

/** A node with its nested graphs replaced. */
export function mapSubgraphs(node: Node, change: (graph: Graph) => Graph): Node {
  if (subgraphsOf(node).length === 0) return node;
  const attributes: Record<string, Attributes[string]> = Object.create(null);
  for (const [name, attribute] of Object.entries(node.attributes)) {
    if (attribute.kind === 'graph') attributes[name] = { kind: 'graph', value: change(attribute.value) };
    else if (attribute.kind === 'graphs') attributes[name] = { kind: 'graphs', value: attribute.value.map(change) };
    else attributes[name] = attribute;
  }
  return { ...node, attributes };
}

/** A node without some of its attributes, and with others. */
export function withAttributes(node: Node, added: PlainAttributes, removed: readonly string[] = []): Node {
  const kept = Object.entries(node.attributes).filter(([name]) => !removed.includes(name));
  return { ...node, attributes: { ...Object.fromEntries(kept), ...attributesOf(added) } };
}

interface Around {
  readonly names: Set<string>;
  readonly types: ReadonlyMap<string, DataType>;
  readonly ranks: ReadonlyMap<string, number>;
  readonly initializerOf: (name: string) => Initializer | undefined;
  readonly notes: LoweringNote[];
}

/**
 * Runs a rewrite over every node of a graph and, before them, over the nodes of the graphs nested in it.
 *
 * @param names every name in use; fresh names are added to it
 * @param notes what the rewrite says is added to it
 */
export function rewriteGraph(graph: Graph, rewrite: Rewrite, names: Set<string>, notes: LoweringNote[]): Graph {
  return rewriteWithin(graph, rewrite, {
    names,
    notes,
    types: new Map(),
    ranks: new Map(),
    initializerOf: () => undefined,
  });
}

function rewriteWithin(graph: Graph, rewrite: Rewrite, around: Around): Graph {
  const nodes: Node[] = [];
  const initializers = new Map(graph.initializers);
  const initializerOf = (name: string) => initializers.get(name) ?? around.initializerOf(name);
  const constantOf = (name: string | undefined) => {
    const initializer = name ? initializerOf(name) : undefined;
    return initializer && initializer.location.kind !== 'file' ? readInitializer(initializer) : undefined;
  };
  const types = inferTypes(graph, around.types);
  const ranks = inferRanks(graph, constantOf, around.ranks);
  const read = namesReadIn(graph);
  let replaced: Node | undefined;
  let nameGiven = false;

  const fresh = (hint: string) => {
    const base = `${originOf(replaced)}/${hint}`;
    let name = base;
    for (let count = 1; around.names.has(name); count++) name = `${base}_${count}`;
    around.names.add(name);
    return name;
  };
  const append = (node: Node) => {
    nodes.push(node);
  };
  const ops: Rewriter['ops'] = (op, inputs, attributes, outputs) => {
    const named = typeof outputs === 'number' ? Array.from({ length: outputs }, () => fresh(op)) : [...outputs];
    const trimmed = [...inputs];
    while (trimmed.at(-1) === '') trimmed.pop();
    // Runtimes refuse two nodes of one name. The node that makes a known output inherits the name of the replaced one.
    const inherits = typeof outputs !== 'number' && !nameGiven;
    if (inherits) nameGiven = true;
    const name = inherits ? (replaced?.name ?? '') : typeof outputs === 'number' ? named[0] : fresh(op);
    append({ op, domain: '', name, inputs: trimmed, outputs: named, attributes: attributesOf(attributes) });
    return named;
  };
  const constant = (tensor: Tensor) => {
    const name = fresh('constant');
    const { type, shape } = tensor;
    initializers.set(name, { name, type, shape, location: { kind: 'memory', tensor } });
    return name;
  };
  const to: Rewriter = {
    graph,
    append,
    ops,
    op: (op, inputs, attributes = {}, output) => ops(op, inputs, attributes, output === undefined ? 1 : [output])[0],
    constant,
    ints: (values) => constant(int64([values.length], values.map(toInt64))),
    scalar: (value, type = 'float32') => constant(fromNumbers(type, [], [value])),
    initializer: (initializer) => void initializers.set(initializer.name, initializer),
    fresh,
    get origin() {
      return originOf(replaced);
    },
    constantOf,
    initializerOf,
    typeOf: (name) => (name ? types.get(name) : undefined),
    rankOf: (name) => (name ? ranks.get(name) : undefined),
    isRead: (name) => read.has(name),
    note: (note) => void around.notes.push(note),
  };
  for (const node of graph.nodes) {
    const inner = mapSubgraphs(node, (nested) =>
      rewriteWithin(nested, rewrite, { ...around, types, ranks, initializerOf }),
    );
    replaced = node;
    nameGiven = false;
    if (!rewrite(inner, to)) nodes.push(inner);
  }
  return { ...graph, nodes, initializers };
}

const originOf = (node: Node | undefined) => node?.name || node?.outputs.find(Boolean) || node?.op || 'constant';

/** Every name that a graph's nodes (nested ones too) and outputs read. */
function namesReadIn(graph: Graph, read: Set<string> = new Set()): Set<string> {
  for (const output of graph.outputs) read.add(output.name);
  for (const node of graph.nodes) {
    for (const name of node.inputs) read.add(name);
    for (const inner of subgraphsOf(node)) namesReadIn(inner, read);
  }
  return read;
}
