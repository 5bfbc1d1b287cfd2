import { WhereforeError } from '../errors.ts';
import { fromNumbers } from '../tensor/convert.ts';
import { bytesOf, type DataType, int64, sizeOf, type Tensor } from '../tensor/tensor.ts';
import {
  attributesOf,
  type Dimension,
  type Graph,
  type Initializer,
  type Node,
  type PlainAttributes,
  subgraphsOf,
  type ValueInfo,
} from './graph.ts';
import { toInt64 } from './int64.ts';

/** Constants below this many elements are shared between their users. */
const sharedBelow = 64;

/** How a node is appended: operator domain (default ''), node name (default: its first output's), outputs. */
export interface OpOptions {
  readonly domain?: string;
  readonly name?: string;
  /** How many outputs, named automatically, or their names ('' leaves an optional one out). Default 1. */
  readonly outputs?: number | readonly string[];
}

/**
 * Builds a graph node by node, from nothing or on top of a copy of an existing one.
 *
 * Every method that makes a value returns its name; automatic names never collide with names in use, also not
 * with those inside nested graphs.
 */
export class GraphBuilder {
  readonly #name: string;
  readonly #prefix: string;
  readonly #inputs: ValueInfo[];
  readonly #outputs: ValueInfo[];
  readonly #nodes: Node[];
  readonly #initializers: Map<string, Initializer>;
  readonly #values: Map<string, ValueInfo>;
  /** Values of this graph. */
  readonly #produced = new Set<string>();
  /** Every name that automatic ones must avoid: produced, reserved, or inside a nested graph. */
  readonly #used = new Set<string>();
  readonly #counters = new Map<string, number>();
  readonly #shared = new Map<string, string>();

  /** @param options.prefix goes before every automatic name, e.g. `gradient/`. Default none. */
  constructor(graph?: Graph, options: { readonly prefix?: string } = {}) {
    this.#name = graph?.name || 'graph';
    this.#prefix = options.prefix ?? '';
    this.#inputs = [...(graph?.inputs ?? [])];
    this.#outputs = [...(graph?.outputs ?? [])];
    this.#nodes = [...(graph?.nodes ?? [])];
    this.#initializers = new Map(graph?.initializers);
    this.#values = new Map(graph?.values);
    if (graph) {
      addProduced(graph, this.#produced);
      reserveNames(graph, this.#used);
    }
  }

  /** The nodes so far, in the order in which they run. */
  get nodes(): readonly Node[] {
    return this.#nodes;
  }

  /** Whether the graph has a value of this name. */
  has(name: string): boolean {
    return this.#produced.has(name);
  }

  /** Whether a value is a constant of the graph. */
  isInitializer(name: string): boolean {
    return this.#initializers.has(name);
  }

  /** Declares a graph input; without a shape, of any rank. @throws WhereforeError `invalid-argument` when the name is taken. */
  input(name: string, type: DataType, shape: readonly Dimension[] | undefined): string {
    this.#claim(name);
    this.#inputs.push({ name, type, shape });
    return name;
  }

  /**
   * Declares an existing value as a graph output; type and shape default to what the graph says about it.
   * @throws WhereforeError `unknown-name` when nothing produces it.
   */
  output(name: string, type?: DataType, shape?: readonly Dimension[]): string {
    if (!this.#produced.has(name)) {
      throw new WhereforeError('unknown-name', `graph output "${name}" is not a value of the graph`, {
        fix: 'append the node that produces it first',
      });
    }
    if (this.#outputs.some((output) => output.name === name)) return name;
    const known =
      this.#values.get(name) ?? this.#inputs.find((input) => input.name === name) ?? this.#initializers.get(name);
    const opaque = known && 'opaque' in known && !type ? { opaque: known.opaque } : {};
    this.#outputs.push({ name, type: type ?? known?.type, shape: shape ?? known?.shape, ...opaque });
    return name;
  }

  /** Appends a node and returns the name of its first output. */
  op(op: string, inputs: readonly string[], attributes: PlainAttributes = {}, options: OpOptions = {}): string {
    return this.ops(op, inputs, attributes, { ...options, outputs: options.outputs ?? 1 })[0];
  }

  /** Appends a node with several outputs and returns their names. */
  ops(
    op: string,
    inputs: readonly string[],
    attributes: PlainAttributes,
    options: OpOptions & { readonly outputs: number | readonly string[] },
  ): string[] {
    const wanted = options.outputs;
    const outputs =
      typeof wanted === 'number' ? Array.from({ length: wanted }, () => this.fresh(options.name ?? op)) : [...wanted];
    for (const name of outputs) this.#claim(name);
    this.#nodes.push({
      op,
      domain: options.domain ?? '',
      name: options.name ?? outputs.find(Boolean) ?? op,
      inputs: [...inputs],
      outputs,
      attributes: attributesOf(attributes),
    });
    return outputs;
  }

  /** Appends a finished node, e.g. one with nested graphs. @throws when a name that it produces is taken. */
  append(node: Node): Node {
    for (const name of node.outputs) this.#claim(name);
    for (const graph of subgraphsOf(node)) reserveNames(graph, this.#used);
    this.#nodes.push(node);
    return node;
  }

  /** Adds a named constant. @throws WhereforeError `invalid-argument` when the name is taken. */
  initializer(name: string, tensor: Tensor): string {
    this.#claim(name);
    this.#initializers.set(name, {
      name,
      type: tensor.type,
      shape: tensor.shape,
      location: { kind: 'memory', tensor },
    });
    return name;
  }

  /** Adds an unnamed constant; small ones with the same type, shape and elements are stored once. */
  constant(tensor: Tensor): string {
    if (sizeOf(tensor.shape) >= sharedBelow) return this.initializer(this.#unclaimed('constant'), tensor);
    const content = tensor.type === 'string' ? JSON.stringify(tensor.data) : bytesOf(tensor).join();
    const key = `${tensor.type}|${tensor.shape.join()}|${content}`;
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const name = this.initializer(this.#unclaimed('constant'), tensor);
    this.#shared.set(key, name);
    return name;
  }

  /** An int64 constant, one-dimensional unless a shape is given; values saturate to 64 bits. */
  ints(values: readonly number[], shape: readonly number[] = [values.length]): string {
    return this.constant(int64(shape, values.map(toInt64)));
  }

  /** A constant without axes. Default type float32. */
  scalar(value: number, type: DataType = 'float32'): string {
    return this.constant(type === 'int64' ? int64([], [toInt64(value)]) : fromNumbers(type, [], [value]));
  }

  /** Reserves and returns a name that is not in use anywhere in the graph, nested graphs included. */
  fresh(hint: string): string {
    const name = this.#unclaimed(hint);
    this.#used.add(name);
    return name;
  }

  /**
   * Gives a node of this builder other outputs, e.g. to ask a MaxPool for its indices as well, and returns the node
   * that took its place. Names that it did not have before must be free, or come from {@link fresh}.
   * @throws WhereforeError `invalid-argument` when the node is not in this builder.
   */
  setOutputs(node: Node, outputs: readonly string[]): Node {
    const index = this.#nodes.indexOf(node);
    if (index < 0) {
      throw new WhereforeError('invalid-argument', `${node.op} node "${node.name}" is not in this builder`, {
        fix: 'pass the node as the builder holds it now (setOutputs returns the current one)',
      });
    }
    for (const name of outputs) if (!node.outputs.includes(name)) this.#claim(name);
    for (const name of node.outputs) if (!outputs.includes(name)) this.#produced.delete(name);
    const changed = { ...node, outputs: [...outputs] };
    this.#nodes[index] = changed;
    return changed;
  }

  /** The graph so far; later changes of the builder do not reach it. */
  build(): Graph {
    return {
      name: this.#name,
      inputs: [...this.#inputs],
      outputs: [...this.#outputs],
      nodes: [...this.#nodes],
      initializers: new Map(this.#initializers),
      values: new Map(this.#values),
    };
  }

  #claim(name: string): void {
    if (name === '') return;
    if (this.#produced.has(name)) {
      throw new WhereforeError('invalid-argument', `the graph already has a value "${name}"`, {
        fix: 'choose another name, or take one from fresh()',
      });
    }
    this.#produced.add(name);
    this.#used.add(name);
  }

  #unclaimed(hint: string): string {
    const base = this.#prefix + hint;
    let count = this.#counters.get(base) ?? 0;
    let name = count ? `${base}_${count}` : base;
    while (this.#used.has(name)) name = `${base}_${++count}`;
    this.#counters.set(base, count);
    return name;
  }
}

/** Adds the names of the values of a graph. */
function addProduced(graph: Graph, names: Set<string>): void {
  for (const name of graph.initializers.keys()) names.add(name);
  for (const input of graph.inputs) names.add(input.name);
  for (const node of graph.nodes) for (const name of node.outputs) if (name) names.add(name);
}

/** Adds every name that appears in the graph or in graphs nested in it. */
function reserveNames(graph: Graph, used: Set<string>): void {
  addProduced(graph, used);
  for (const output of graph.outputs) used.add(output.name);
  for (const node of graph.nodes) {
    for (const name of node.inputs) if (name) used.add(name);
    for (const nested of subgraphsOf(node)) reserveNames(nested, used);
  }
}
