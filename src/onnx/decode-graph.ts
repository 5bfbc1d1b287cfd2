import { WhereforeError } from '../errors.ts';
import { dataTypeOf } from './data-types.ts';
import { decodeInitializer, decodeSparse, decodeTensor, isExternal, type Source } from './decode-tensor.ts';
import type { Attribute, Attributes, Dimension, Graph, Initializer, Node, ValueInfo } from './graph.ts';
import { toInt64 } from './int64.ts';
import { attributeKinds, hasField, type Message } from './messages.ts';
import { sortNodes } from './sort.ts';
import { writeMessage } from './write-message.ts';

type AttributeProto = Message<'AttributeProto'>;

/** Decodes a graph of the file, nested ones included. */
export function decodeGraph(proto: Message<'GraphProto'>, source: Source): Graph {
  const initializers = new Map<string, Initializer>();
  const add = (initializer: Initializer) => {
    if (initializers.has(initializer.name)) {
      throw new WhereforeError('malformed-model', `two initializers are called "${initializer.name}"`, {
        where: `${source.fileName}, graph "${proto.name}"`,
        fix: 'export the model again, or rename one of them',
      });
    }
    initializers.set(initializer.name, initializer);
  };
  for (const item of proto.initializer) add(decodeInitializer(item, source));
  for (const item of proto.sparseInitializer) add(decodeSparse(item, source));
  const nodes: Node[] = [];
  for (const item of proto.node) {
    const external = externalConstant(item);
    if (external) add(decodeInitializer(external, source, item.output[0]));
    else nodes.push(decodeNode(item, source));
  }
  return sortNodes({
    name: proto.name,
    inputs: proto.input.map(decodeValueInfo),
    outputs: proto.output.map(decodeValueInfo),
    nodes,
    initializers,
    values: new Map(proto.valueInfo.map((item) => [item.name, decodeValueInfo(item)])),
  });
}

/** A Constant node whose value lies in another file, as an initializer: attributes hold only what is in memory. */
function externalConstant(node: Message<'NodeProto'>): Message<'TensorProto'> | undefined {
  if (node.opType !== 'Constant' || shortDomain(node.domain) !== '') return undefined;
  const value = node.attribute.find((attribute) => attribute.name === 'value')?.t;
  return value && isExternal(value) ? value : undefined;
}

export function decodeNode(proto: Message<'NodeProto'>, source: Source): Node {
  const where = `${source.fileName}, node "${proto.name || proto.output.find(Boolean) || '?'}" (${proto.opType})`;
  if (!proto.opType) {
    throw new WhereforeError('malformed-model', 'the node does not name its operator', {
      where,
      fix: 'export the model again',
    });
  }
  return {
    op: proto.opType,
    domain: shortDomain(proto.domain),
    name: proto.name,
    inputs: proto.input,
    outputs: proto.output,
    attributes: decodeAttributes(proto.attribute, source, where),
    ...(proto.overload ? { overload: proto.overload } : {}),
  };
}

function decodeValueInfo(proto: Message<'ValueInfoProto'>): ValueInfo {
  const { name, type } = proto;
  if (type?.tensorType)
    return { name, type: dataTypeOf(type.tensorType.elemType), shape: decodeDimensions(type.tensorType) };
  const isOther = type?.sequenceType ?? type?.mapType ?? type?.optionalType ?? type?.sparseTensorType;
  return {
    name,
    type: undefined,
    shape: undefined,
    ...(type && isOther && { opaque: writeMessage('TypeProto', type) }),
  };
}

function decodeDimensions(type: Message<'TensorType'>): Dimension[] | undefined {
  return type.shape?.dim.map(({ dimValue, dimParam }) => {
    // Some exporters write −1, or an empty name, for a size that is not known.
    if (dimValue !== undefined) return dimValue < 0n ? undefined : Number(dimValue);
    return dimParam || undefined;
  });
}

/** `ai.onnx` is the long name of the standard domain. */
export function shortDomain(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}

/** The attributes of a node, by name. */
export function decodeAttributes(protos: readonly AttributeProto[], source: Source, where: string): Attributes {
  const entries = new Map<string, Attribute>();
  for (const proto of protos) {
    if (entries.has(proto.name)) {
      throw new WhereforeError('malformed-model', `attribute "${proto.name}" occurs twice`, {
        where,
        fix: 'export the model again',
      });
    }
    entries.set(proto.name, decodeAttribute(proto, source, `${where}, attribute "${proto.name}"`));
  }
  return Object.fromEntries(entries);
}

function decodeAttribute(proto: AttributeProto, source: Source, where: string): Attribute {
  if (hasField(proto, 'refAttrName')) return { kind: 'reference', value: proto.refAttrName, type: proto.type };
  switch (proto.type || guessKind(proto)) {
    case attributeKinds.float:
      return { kind: 'float', value: proto.f };
    case attributeKinds.floats:
      return { kind: 'floats', value: proto.floats };
    case attributeKinds.int:
      return isExact(proto.i) ? { kind: 'int', value: Number(proto.i) } : opaque(proto);
    case attributeKinds.ints:
      return proto.ints.every(isExact) ? { kind: 'ints', value: proto.ints.map(Number) } : opaque(proto);
    case attributeKinds.string:
      return isText(proto.s) ? { kind: 'string', value: text.decode(proto.s) } : opaque(proto);
    case attributeKinds.strings: {
      const { strings } = proto;
      return strings.every(isText)
        ? { kind: 'strings', value: strings.map((item) => text.decode(item)) }
        : opaque(proto);
    }
    case attributeKinds.tensor:
      if (!proto.t) throw lacking(where, 'tensor');
      return isExternal(proto.t) ? opaque(proto) : { kind: 'tensor', ...decodeTensor(proto.t, source, where) };
    case attributeKinds.tensors:
      if (proto.tensors.some(isExternal)) return opaque(proto);
      return { kind: 'tensors', value: proto.tensors.map((item) => decodeTensor(item, source, where).value) };
    case attributeKinds.graph:
      if (!proto.g) throw lacking(where, 'graph');
      return { kind: 'graph', value: decodeGraph(proto.g, source) };
    case attributeKinds.graphs:
      return { kind: 'graphs', value: proto.graphs.map((graph) => decodeGraph(graph, source)) };
    default:
      return opaque(proto);
  }
}

function opaque(proto: AttributeProto): Attribute {
  return { kind: 'opaque', value: writeMessage('AttributeProto', proto) };
}

function lacking(where: string, kind: string): WhereforeError {
  return new WhereforeError('malformed-model', `the attribute is declared as a ${kind} but has none`, {
    where,
    fix: 'export the model again',
  });
}

/** Files of the first IR versions do not state the kind of an attribute; the field in use tells. */
function guessKind(proto: AttributeProto): number {
  if (hasField(proto, 'f')) return attributeKinds.float;
  if (hasField(proto, 'i')) return attributeKinds.int;
  if (hasField(proto, 's')) return attributeKinds.string;
  if (proto.t) return attributeKinds.tensor;
  if (proto.g) return attributeKinds.graph;
  if (proto.floats.length) return attributeKinds.floats;
  if (proto.ints.length) return attributeKinds.ints;
  if (proto.strings.length) return attributeKinds.strings;
  if (proto.tensors.length) return attributeKinds.tensors;
  return proto.graphs.length ? attributeKinds.graphs : attributeKinds.undefined;
}

/** Whether a 64-bit integer survives as a JavaScript number: all below 2^53, and the two ends. */
function isExact(value: bigint): boolean {
  const number = Number(value);
  return Number.isSafeInteger(number) || toInt64(number) === value;
}

const text = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/** Whether bytes survive as a JavaScript string; some operators keep binary data in string attributes. */
function isText(bytes: Uint8Array): boolean {
  const again = encoder.encode(text.decode(bytes));
  return again.length === bytes.length && again.every((byte, i) => byte === bytes[i]);
}
