import type { DataType, Tensor } from '../tensor/tensor.ts';
import { traitsOf } from './operators.ts';

/** An attribute of a node. Integers are JavaScript numbers; the encoder saturates them to 64 bits. */
export type Attribute =
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  /** `origin`: the same bytes inside the model file that it was decoded from. */
  | { readonly kind: 'tensor'; readonly value: Tensor; readonly origin?: FileRange }
  | { readonly kind: 'graph'; readonly value: Graph }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'strings'; readonly value: readonly string[] }
  | { readonly kind: 'tensors'; readonly value: readonly Tensor[] }
  | { readonly kind: 'graphs'; readonly value: readonly Graph[] }
  /** A kind that nothing here computes with (sparse tensors, types): its protobuf bytes, carried through unchanged. */
  | { readonly kind: 'opaque'; readonly value: Uint8Array }
  /** Inside a function body: the value comes from the calling node's attribute of this name. */
  | { readonly kind: 'reference'; readonly value: string; readonly type: number };

export type Attributes = Readonly<Record<string, Attribute>>;

/** One operation. An empty name among `inputs` or `outputs` is an optional one left out, as in ONNX. */
export interface Node {
  readonly op: string;
  /** Operator domain; '' is the standard one. */
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
  /** Which of several functions of one name the node calls; absent: the only one. */
  readonly overload?: string;
}

/** A dimension: a size, the name of a symbolic one, or undefined where the file does not say. */
export type Dimension = number | string | undefined;

/** Declared type of a graph input, output or inner value. */
export interface ValueInfo {
  readonly name: string;
  /** Element type; undefined for sequences, maps and other non-tensors, whose bytes are in `opaque`. */
  readonly type: DataType | undefined;
  /** undefined: rank unknown. */
  readonly shape: readonly Dimension[] | undefined;
  /** The protobuf bytes of a non-tensor type, carried through unchanged. */
  readonly opaque?: Uint8Array;
}

/** A byte range of a file; `path` is relative to the model's folder. */
export interface FileRange {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
}

/**
 * Where the bytes of a weight lie: in memory, or in a file at an offset (never read unless asked for).
 * `readInitializer` makes a tensor of any of them.
 */
export type WeightLocation =
  | { readonly kind: 'memory'; readonly tensor: Tensor }
  /** Little-endian bytes in memory that are not aligned for an array over them; copied when read. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** A byte range of a file beside the model. */
  | ({ readonly kind: 'file' } & FileRange);

/**
 * A constant of the graph. A weight decoded from a model file has both locations where both are known:
 * `location` to read it from memory, `origin` to refer to it from a patched graph without encoding it again.
 */
export interface Initializer {
  readonly name: string;
  readonly type: DataType;
  readonly shape: readonly number[];
  readonly location: WeightLocation;
  /** The same bytes inside the model file that it was decoded from. */
  readonly origin?: FileRange;
}

/** A computation graph in which every value has a name. Nodes are in topological order. */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly nodes: readonly Node[];
  readonly initializers: ReadonlyMap<string, Initializer>;
  /** Declared types of inner values, where the file states them. */
  readonly values: ReadonlyMap<string, ValueInfo>;
}

/** A function of the model file: a named sub-graph that nodes call by (domain, name). */
export interface ModelFunction {
  readonly domain: string;
  readonly name: string;
  /** Tells apart functions of one name; absent: there is one. */
  readonly overload?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly string[];
  readonly defaults: Attributes;
  readonly nodes: readonly Node[];
  readonly opsets: ReadonlyMap<string, number>;
}

/** A decoded `.onnx` file. */
export interface OnnxModel {
  readonly irVersion: number;
  readonly producer: string;
  /** Version of each operator domain; '' is the standard one. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly graph: Graph;
  readonly functions: readonly ModelFunction[];
  readonly metadata: ReadonlyMap<string, string>;
}

/** Attributes as plain values: `{ axis: 1, perm: [0, 2, 1], mode: 'linear', alpha: { float: 0.5 } }`. */
export type PlainAttributes = Readonly<
  Record<
    string,
    | number
    | string
    | readonly number[]
    | { float: number }
    | { floats: readonly number[] }
    | { strings: readonly string[] }
    | Tensor
    | undefined
  >
>;

/** Turns plain values into attributes: a number is an int, `{ float }` a float; undefined ones are left out. */
export function attributesOf(plain: PlainAttributes): Attributes {
  const result: Record<string, Attribute> = {};
  for (const [name, value] of Object.entries(plain)) {
    if (value === undefined) continue;
    if (typeof value === 'number') result[name] = { kind: 'int', value };
    else if (typeof value === 'string') result[name] = { kind: 'string', value };
    else if (Array.isArray(value)) result[name] = { kind: 'ints', value };
    else if ('float' in value) result[name] = { kind: 'float', value: value.float };
    else if ('strings' in value) result[name] = { kind: 'strings', value: value.strings };
    else if ('floats' in value) result[name] = { kind: 'floats', value: value.floats };
    else result[name] = { kind: 'tensor', value: value as Tensor };
  }
  return result;
}

/** A node of a standard operator with one output, which is its name as well. */
export function nodeOf(op: string, inputs: readonly string[], output: string, attributes: PlainAttributes = {}): Node {
  return { op, domain: '', name: output, inputs, outputs: [output], attributes: attributesOf(attributes) };
}

/** An integer attribute, or `fallback` where it is absent. */
export function intAttribute(node: Node, name: string, fallback: number): number;
export function intAttribute(node: Node, name: string): number | undefined;
export function intAttribute(node: Node, name: string, fallback?: number): number | undefined {
  const attribute = node.attributes[name];
  return attribute?.kind === 'int' ? attribute.value : fallback;
}

export function floatAttribute(node: Node, name: string, fallback: number): number {
  const attribute = node.attributes[name];
  return attribute?.kind === 'float' || attribute?.kind === 'int' ? attribute.value : fallback;
}

export function stringAttribute(node: Node, name: string, fallback: string): string {
  const attribute = node.attributes[name];
  return attribute?.kind === 'string' ? attribute.value : fallback;
}

export function intsAttribute(node: Node, name: string): readonly number[] | undefined {
  const attribute = node.attributes[name];
  return attribute?.kind === 'ints' ? attribute.value : undefined;
}

/** A list of floats; undefined where it is absent. */
export function floatsAttribute(node: Node, name: string): readonly number[] | undefined {
  const attribute = node.attributes[name];
  return attribute?.kind === 'floats' ? attribute.value : undefined;
}

/** A list of texts; undefined where it is absent. */
export function stringsAttribute(node: Node, name: string): readonly string[] | undefined {
  const attribute = node.attributes[name];
  return attribute?.kind === 'strings' ? attribute.value : undefined;
}

/** The inputs that a caller must feed: those without a default value among the initializers. */
export function requiredInputs(graph: Graph): ValueInfo[] {
  return graph.inputs.filter((input) => !graph.initializers.has(input.name));
}

/** `node "conv1" (Conv)`, for messages. */
export function describeNode(node: Node): string {
  const op = node.domain ? `${node.domain}.${node.op}` : node.op;
  return `node "${node.name || node.outputs.find(Boolean) || '?'}" (${op})`;
}

/** Key of an operator in a table: its name, with the domain before it where that is not the standard one. */
export function operatorKey(node: Pick<Node, 'op' | 'domain'>): string {
  return node.domain === '' || node.domain === 'ai.onnx' ? node.op : `${node.domain}.${node.op}`;
}

/** Graphs nested in a node's attributes (the bodies of If, Loop, Scan). */
export function subgraphsOf({ attributes }: Node): Graph[] {
  const graphs: Graph[] = [];
  // Asked of every node many times, and nearly none has any.
  for (const name in attributes) {
    const attribute = attributes[name];
    if (attribute.kind === 'graph') graphs.push(attribute.value);
    else if (attribute.kind === 'graphs') for (const graph of attribute.value) graphs.push(graph);
  }
  return graphs;
}

/** The node that computes each value. */
export function producersOf({ nodes }: Pick<Graph, 'nodes'>): Map<string, Node> {
  const producers = new Map<string, Node>();
  for (const node of nodes) for (const name of node.outputs) if (name) producers.set(name, node);
  return producers;
}

/**
 * Names of the values that a value is computed from, its own among them.
 * @param blocked values that are not gone through; they are left out, and what only they are computed from
 */
export function ancestorsOf(graph: Graph, value: string, blocked: ReadonlySet<string> = new Set()): Set<string> {
  const producers = producersOf(graph);
  const reached = new Set<string>();
  const pending = [value];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (reached.has(name) || blocked.has(name)) continue;
    reached.add(name);
    const producer = producers.get(name);
    if (producer) for (const read of elementsRead(producer)) pending.push(read);
  }
  return reached;
}

/** How many nodes read each value; without end for the outputs of the graph, which the caller reads. */
export function readerCounts({ nodes, outputs }: Pick<Graph, 'nodes' | 'outputs'>): Map<string, number> {
  const readers = new Map<string, number>();
  for (const node of nodes) for (const name of namesRead(node)) readers.set(name, (readers.get(name) ?? 0) + 1);
  for (const { name } of outputs) readers.set(name, Number.POSITIVE_INFINITY);
  return readers;
}

/** Names that a node reads: its inputs, and what the graphs inside it capture from outside. */
export function namesRead(node: Node): Set<string> {
  const read = new Set<string>();
  for (const name of node.inputs) if (name) read.add(name);
  for (const graph of subgraphsOf(node)) for (const name of capturedNames(graph)) read.add(name);
  return read;
}

/** Names whose elements a node reads: what `Shape` reads is a size, the same for every input of that shape. */
export function elementsRead(node: Node): Set<string> {
  return traitsOf(operatorKey(node)).readsShape ? new Set() : namesRead(node);
}

/** Names that a nested graph reads from the graph around it. */
export function capturedNames(graph: Graph): Set<string> {
  const own = new Set([...graph.inputs.map((input) => input.name), ...graph.initializers.keys()]);
  const captured = new Set<string>();
  for (const node of graph.nodes) {
    for (const name of namesRead(node)) if (!own.has(name)) captured.add(name);
    for (const name of node.outputs) own.add(name);
  }
  for (const output of graph.outputs) if (!own.has(output.name)) captured.add(output.name);
  return captured;
}
