import { WhereforeError } from '../errors.ts';
import { type Graph, type Initializer, type Node, namesRead, operatorKey, type ValueInfo } from '../onnx/graph.ts';
import { readInitializer } from '../onnx/initializer.ts';
import { prune } from '../onnx/lowering/extract.ts';
import { traitsOf } from '../onnx/operators.ts';
import { inferTypes } from '../onnx/types.ts';
import { toNumbers } from '../tensor/convert.ts';
import { lookup } from '../tensor/lookup.ts';
import type { DataType, Tensor } from '../tensor/tensor.ts';
import { elementwiseShape } from './elementwise-shapes.ts';

/** What a run decided: how often each `Loop` ran, and which way each `If` went, by the name of the node's first output. */
export interface Decisions {
  readonly trips: ReadonlyMap<string, number>;
  readonly branches: ReadonlyMap<string, boolean>;
}

/**
 * What is known of every value of a graph for one set of input shapes: its shape, its element type, and, for small
 * values that depend on weights and shapes alone (axes, sizes, masks), its elements.
 */
export interface Facts {
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly types: ReadonlyMap<string, DataType>;
  readonly constants: ReadonlyMap<string, Tensor>;
  /** What `If` and `Loop` decide at the one input that the facts are of, where they were asked. */
  readonly decisions?: Decisions;
}

const shapeOperators: ReadonlySet<string> = new Set(['Shape', 'Size']);

/** Inputs of an operator that say *how* to compute and that rules need as numbers, where they are not integers. */
const floatParameters: Readonly<Record<string, readonly number[]>> = {
  Resize: [1, 2],
  Upsample: [1],
  Clip: [1, 2],
  Pow: [1],
  OneHot: [2],
  Range: [0, 1, 2],
  QuantizeLinear: [1],
  DequantizeLinear: [1],
  'com.microsoft.QuantizeLinear': [1],
  'com.microsoft.DequantizeLinear': [1],
};

/**
 * Names of the values that do not depend on the elements of the graph's inputs, only on their shapes.
 * @param outer values around a nested graph of which that is known; default none
 */
export function shapeOnlyValues(graph: Graph, outer: Iterable<string> = []): Set<string> {
  const fixed = new Set([...outer, ...graph.initializers.keys()]);
  for (const node of graph.nodes) {
    const key = operatorKey(node);
    const isFixed =
      shapeOperators.has(key) || (!traitsOf(key).random && [...namesRead(node)].every((name) => fixed.has(name)));
    if (isFixed) for (const output of node.outputs) if (output) fixed.add(output);
  }
  return fixed;
}

/** Inputs of a node that decide shapes though they are floats. */
export function parameterNames(node: Node): string[] {
  return (lookup(floatParameters, operatorKey(node)) ?? []).map((i) => node.inputs[i]).filter(Boolean);
}

/** A graph that, run once, tells the facts of another. */
export interface Probe {
  /** Nodes of the graph, with a `Shape` behind values; its outputs are what {@link readProbe} wants. */
  readonly graph: Graph;
  readonly types: ReadonlyMap<string, DataType>;
  readonly shapeOf: ReadonlyMap<string, string>;
  /** Nodes whose output has a shape that follows from those of their inputs, in topological order. */
  readonly followed: readonly Node[];
  readonly constants: readonly string[];
}

/**
 * Builds the probe of a graph: a `Shape` node for each value whose shape does not follow from others, and the small
 * shape-only values themselves. Nodes that none of these needs are left out.
 * Running it on an input gives exact shapes for that input's shapes, whatever the file declares.
 */
export function probeOf(graph: Graph): Probe {
  const types = inferTypes(graph);
  const shapeOnly = shapeOnlyValues(graph);
  const produced = graph.nodes.flatMap((node) => node.outputs.filter(Boolean));
  const parameters = new Set(graph.nodes.flatMap(parameterNames));
  const isWanted = (name: string) => {
    const type = types.get(name);
    if (!shapeOnly.has(name) || !type) return false;
    return type === 'int64' || type === 'int32' || type === 'bool' || parameters.has(name);
  };
  const constants = produced.filter(isWanted);
  // A weight that lies in a file is read by the runtime, not by us.
  const weights = [...graph.initializers.values()]
    .filter((weight) => weight.location.kind === 'file' && isWanted(weight.name))
    .map((weight) => weight.name);

  const shapeOf = new Map<string, string>();
  const nodes: Node[] = [...graph.nodes];
  const outputs: ValueInfo[] = [];
  const prefix = freshPrefix(graph, 'probe');
  const append = (op: string, name: string, output: string, type: DataType | undefined) => {
    nodes.push({ op, domain: '', name: output, inputs: [name], outputs: [output], attributes: {} });
    outputs.push({ name: output, type, shape: undefined });
  };
  const known = new Set(graph.initializers.keys());
  const ask = (name: string) => {
    if (!types.has(name)) return;
    const output = `${prefix}/shape/${name}`;
    append('Shape', name, output, 'int64');
    shapeOf.set(output, name);
    known.add(name);
  };
  for (const { name } of graph.inputs) ask(name);
  const followed: Node[] = [];
  for (const node of graph.nodes) {
    const [name] = node.outputs;
    if (types.has(name) && elementwiseShape(node)?.from.every((input) => known.has(input))) {
      followed.push(node);
      known.add(name);
    } else for (const output of node.outputs) if (output) ask(output);
  }
  for (const name of [...constants, ...weights]) append('Identity', name, `${prefix}/value/${name}`, types.get(name));
  return {
    graph: prune({ ...graph, nodes, outputs }),
    types,
    shapeOf,
    followed,
    constants: [...constants, ...weights].map((name) => `${prefix}/value/${name}`),
  };
}

function freshPrefix(graph: Graph, wanted: string): string {
  const names = [
    ...graph.initializers.keys(),
    ...graph.inputs.map((input) => input.name),
    ...graph.nodes.flatMap((node) => node.outputs),
  ];
  let prefix = wanted;
  while (names.some((name) => name.startsWith(`${prefix}/`))) prefix = `${prefix}_`;
  return prefix;
}

/** Facts of a graph from what its probe's run returned. */
export function readProbe(graph: Graph, probe: Probe, results: ReadonlyMap<string, Tensor>): Facts {
  const shapes = new Map<string, readonly number[]>();
  const constants = new Map<string, Tensor>();
  for (const [output, name] of probe.shapeOf) {
    const result = results.get(output);
    if (!result) throw new WhereforeError('internal', `the probe returned no shape of "${name}"`);
    shapes.set(name, toNumbers(result));
  }
  for (const output of probe.constants) {
    const result = results.get(output);
    if (result) constants.set(output.slice(output.indexOf('/value/') + '/value/'.length), result);
  }
  for (const weight of graph.initializers.values()) {
    shapes.set(weight.name, weight.shape);
    const elements = elementsInMemory(weight);
    if (elements) constants.set(weight.name, elements);
  }
  for (const node of probe.followed) {
    const rule = elementwiseShape(node);
    const from = rule?.from.map((name) => shapes.get(name) ?? []) ?? [];
    if (rule) shapes.set(node.outputs[0], rule.shape(from));
  }
  return { shapes, types: probe.types, constants };
}

/** Bytes that lie unaligned in the file are copied when read: only small ones are, those are what rules ask for. */
const largestCopy = 2 ** 20;

function elementsInMemory(weight: Initializer): Tensor | undefined {
  const { location } = weight;
  if (location.kind === 'memory') return location.tensor;
  return location.kind === 'bytes' && location.bytes.length <= largestCopy ? readInitializer(weight) : undefined;
}

/**
 * The graph for exactly these input shapes: dimensions of the inputs fixed, shape-only values that the probe read
 * turned into constants. The runtime can then fold what hangs on them.
 */
export function specialise(graph: Graph, facts: Facts): Graph {
  const initializers = new Map(graph.initializers);
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    const known = node.outputs.filter(Boolean).map((name) => facts.constants.get(name));
    if (known.length && known.every(Boolean)) {
      for (const name of node.outputs.filter(Boolean)) {
        const constant = facts.constants.get(name) as Tensor;
        initializers.set(name, {
          name,
          type: constant.type,
          shape: constant.shape,
          location: { kind: 'memory', tensor: constant },
        });
      }
    } else nodes.push(node);
  }
  const inputs = graph.inputs.map((input) => ({ ...input, shape: facts.shapes.get(input.name) ?? input.shape }));
  return { ...graph, nodes, inputs, initializers, values: new Map() };
}
