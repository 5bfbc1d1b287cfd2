import { WhereforeError } from '../errors.ts';
import { dataTypeCodes } from './data-types.ts';
import { encodeInitializer, encodeTensor, type WeightOptions } from './encode-tensor.ts';
import {
  type Attribute,
  describeNode,
  type Graph,
  type ModelFunction,
  type Node,
  type OnnxModel,
  subgraphsOf,
  type ValueInfo,
} from './graph.ts';
import { toInt64 } from './int64.ts';
import { attributeKinds, type MessageInit } from './messages.ts';
import { readMessage } from './read-message.ts';
import { writeMessage } from './write-message.ts';

export interface EncodeOptions {
  /**
   * `inline` (default): weights that are in memory are written into the file.
   * `reference`: weights that have an `origin` become references to their byte range in that file, so that a patched
   * graph of a model of 500 MB is some kilobytes. Weights that lie in a file anyway are references in both.
   */
  readonly weights?: 'inline' | 'reference';
  /**
   * With `reference`: weights below this many bytes are written all the same. The runtime's shape inference needs the
   * small integer ones. Default 1024.
   */
  readonly inlineBelow?: number;
}

/** The domain of the runtime's own operators, which patched graphs may use without importing it. */
const contribDomain = 'com.microsoft';

/**
 * Encodes a model as an ONNX file.
 *
 * IR versions below 4 become 4, in which initializers need not be inputs as well. `com.microsoft` is imported at
 * version 1 where nodes use it and the model does not import it.
 * @throws WhereforeError `invalid-argument` for an attribute that is no 64-bit integer where one is needed.
 */
export function encodeModel(model: OnnxModel, options: EncodeOptions = {}): Uint8Array {
  const weights: WeightOptions = {
    reference: options.weights === 'reference',
    inlineBelow: options.inlineBelow ?? 1024,
  };
  const opsets = new Map(model.opsets);
  if (!opsets.has(contribDomain) && usesDomain(model.graph, contribDomain)) opsets.set(contribDomain, 1);
  return writeMessage('ModelProto', {
    irVersion: BigInt(Math.max(4, model.irVersion)),
    producerName: model.producer,
    opsetImport: encodeOpsets(opsets),
    graph: encodeGraph(model.graph, weights),
    functions: model.functions.map((item) => encodeFunction(item, weights)),
    metadataProps: [...model.metadata].map(([key, value]) => ({ key, value })),
  });
}

function usesDomain(graph: Graph, domain: string): boolean {
  return graph.nodes.some(
    (node) => node.domain === domain || subgraphsOf(node).some((nested) => usesDomain(nested, domain)),
  );
}

function encodeOpsets(opsets: ReadonlyMap<string, number>) {
  return [...opsets].map(([domain, version]) => ({ domain, version: BigInt(version) }));
}

function encodeGraph(graph: Graph, weights: WeightOptions): MessageInit<'GraphProto'> {
  return {
    // A graph without a name is refused by checkers.
    name: graph.name || 'graph',
    input: graph.inputs.map(encodeValueInfo),
    output: graph.outputs.map(encodeValueInfo),
    node: graph.nodes.map((node) => encodeNode(node, weights)),
    initializer: [...graph.initializers.values()].map((item) => encodeInitializer(item, weights)),
    valueInfo: [...graph.values.values()].map(encodeValueInfo),
  };
}

function encodeFunction(item: ModelFunction, weights: WeightOptions): MessageInit<'FunctionProto'> {
  return {
    domain: item.domain,
    name: item.name,
    ...(item.overload ? { overload: item.overload } : {}),
    input: [...item.inputs],
    output: [...item.outputs],
    attribute: [...item.attributes],
    attributeProto: Object.entries(item.defaults).map(([name, value]) =>
      encodeAttribute(name, value, weights, `function "${item.name}"`),
    ),
    node: item.nodes.map((node) => encodeNode(node, weights)),
    opsetImport: encodeOpsets(item.opsets),
  };
}

function encodeNode(node: Node, weights: WeightOptions): MessageInit<'NodeProto'> {
  return {
    opType: node.op,
    domain: node.domain,
    name: node.name,
    ...(node.overload ? { overload: node.overload } : {}),
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: Object.entries(node.attributes).map(([name, value]) =>
      encodeAttribute(name, value, weights, describeNode(node)),
    ),
  };
}

function encodeAttribute(
  name: string,
  attribute: Attribute,
  weights: WeightOptions,
  where: string,
): MessageInit<'AttributeProto'> {
  if (attribute.kind === 'opaque') return readMessage('AttributeProto', attribute.value);
  return { name, ...encodeValue(attribute, weights, `${where}, attribute "${name}"`) };
}

const encoder = new TextEncoder();

function encodeValue(
  attribute: Exclude<Attribute, { kind: 'opaque' }>,
  weights: WeightOptions,
  where: string,
): MessageInit<'AttributeProto'> {
  switch (attribute.kind) {
    case 'float':
      return { type: attributeKinds.float, f: toFloat(attribute.value, where) };
    case 'floats':
      return { type: attributeKinds.floats, floats: attribute.value.map((value) => toFloat(value, where)) };
    case 'int':
      return { type: attributeKinds.int, i: toInteger(attribute.value, where) };
    case 'ints':
      return { type: attributeKinds.ints, ints: attribute.value.map((value) => toInteger(value, where)) };
    case 'string':
      return { type: attributeKinds.string, s: encoder.encode(attribute.value) };
    case 'strings':
      return { type: attributeKinds.strings, strings: attribute.value.map((value) => encoder.encode(value)) };
    case 'tensor':
      return { type: attributeKinds.tensor, t: encodeTensor(attribute.value) };
    case 'tensors':
      return { type: attributeKinds.tensors, tensors: attribute.value.map((value) => encodeTensor(value)) };
    case 'graph':
      return { type: attributeKinds.graph, g: encodeGraph(attribute.value, weights) };
    case 'graphs':
      return { type: attributeKinds.graphs, graphs: attribute.value.map((graph) => encodeGraph(graph, weights)) };
    case 'reference':
      return { type: attribute.type, refAttrName: attribute.value };
  }
}

function toInteger(value: number, where: string): bigint {
  if (Number.isInteger(value) || Math.abs(value) === Number.POSITIVE_INFINITY) return toInt64(value);
  throw new WhereforeError('invalid-argument', 'the attribute must be an integer', { where, got: `${value}` });
}

function toFloat(value: number, where: string): number {
  const rounded = Math.fround(value);
  if (Number.isFinite(value) && !Number.isFinite(rounded)) {
    throw new WhereforeError('invalid-argument', 'the attribute does not fit into float32', { where, got: `${value}` });
  }
  return rounded;
}

function encodeValueInfo({ name, type, shape, opaque }: ValueInfo): MessageInit<'ValueInfoProto'> {
  if (opaque) return { name, type: readMessage('TypeProto', opaque) };
  if (!type) return { name };
  const dimensions = shape?.map((dimension) => {
    if (dimension === undefined) return {};
    return typeof dimension === 'string' ? { dimParam: dimension } : { dimValue: BigInt(dimension) };
  });
  const shaped = dimensions ? { shape: { dim: dimensions } } : {};
  return { name, type: { tensorType: { elemType: dataTypeCodes[type], ...shaped } } };
}
