import { isFieldSet, toBinary } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  type GraphProto,
  AttributeProto_AttributeType as Kind,
  type NodeProto,
  type TensorProto,
  type TypeProto_Tensor,
  TypeProtoSchema,
  type ValueInfoProto,
} from 'onnx-buf';
import { WhereforeError } from '../errors.ts';
import { dataTypeOf } from './data-types.ts';
import { decodeInitializer, decodeSparse, decodeTensor, isExternal, type Source } from './decode-tensor.ts';
import type { Attribute, Attributes, Dimension, Graph, Initializer, Node, ValueInfo } from './graph.ts';
import { toInt64 } from './int64.ts';
import { sortNodes } from './sort.ts';

/** Decodes a graph of the file, nested ones included. */
export function decodeGraph(proto: GraphProto, source: Source): Graph {
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
function externalConstant(node: NodeProto): TensorProto | undefined {
  if (node.opType !== 'Constant' || shortDomain(node.domain) !== '') return undefined;
  const value = node.attribute.find((attribute) => attribute.name === 'value')?.t;
  return value && isExternal(value) ? value : undefined;
}

export function decodeNode(proto: NodeProto, source: Source): Node {
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

function decodeValueInfo(proto: ValueInfoProto): ValueInfo {
  const { name, type } = proto;
  if (!type || type.value.case === undefined) return { name, type: undefined, shape: undefined };
  if (type.value.case !== 'tensorType') {
    return { name, type: undefined, shape: undefined, opaque: toBinary(TypeProtoSchema, type) };
  }
  return { name, type: dataTypeOf(type.value.value.elemType), shape: decodeDimensions(type.value.value) };
}

function decodeDimensions(type: TypeProto_Tensor): Dimension[] | undefined {
  return type.shape?.dim.map(({ value }) => {
    // Some exporters write −1, or an empty name, for a size that is not known.
    if (value.case === 'dimValue') return value.value < 0n ? undefined : Number(value.value);
    return value.case === 'dimParam' && value.value ? value.value : undefined;
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
  const { field } = AttributeProtoSchema;
  if (isFieldSet(proto, field.refAttrName)) return { kind: 'reference', value: proto.refAttrName, type: proto.type };
  switch (proto.type || guessKind(proto)) {
    case Kind.FLOAT:
      return { kind: 'float', value: proto.f };
    case Kind.FLOATS:
      return { kind: 'floats', value: proto.floats };
    case Kind.INT:
      return isExact(proto.i) ? { kind: 'int', value: Number(proto.i) } : opaque(proto);
    case Kind.INTS:
      return proto.ints.every(isExact) ? { kind: 'ints', value: proto.ints.map(Number) } : opaque(proto);
    case Kind.STRING:
      return isText(proto.s) ? { kind: 'string', value: text.decode(proto.s) } : opaque(proto);
    case Kind.STRINGS: {
      const { strings } = proto;
      return strings.every(isText)
        ? { kind: 'strings', value: strings.map((item) => text.decode(item)) }
        : opaque(proto);
    }
    case Kind.TENSOR:
      if (!proto.t) throw lacking(where, 'tensor');
      return isExternal(proto.t) ? opaque(proto) : { kind: 'tensor', ...decodeTensor(proto.t, source, where) };
    case Kind.TENSORS:
      if (proto.tensors.some(isExternal)) return opaque(proto);
      return { kind: 'tensors', value: proto.tensors.map((item) => decodeTensor(item, source, where).value) };
    case Kind.GRAPH:
      if (!proto.g) throw lacking(where, 'graph');
      return { kind: 'graph', value: decodeGraph(proto.g, source) };
    case Kind.GRAPHS:
      return { kind: 'graphs', value: proto.graphs.map((graph) => decodeGraph(graph, source)) };
    default:
      return opaque(proto);
  }
}

function opaque(proto: AttributeProto): Attribute {
  return { kind: 'opaque', value: toBinary(AttributeProtoSchema, proto) };
}

function lacking(where: string, kind: string): WhereforeError {
  return new WhereforeError('malformed-model', `the attribute is declared as a ${kind} but has none`, {
    where,
    fix: 'export the model again',
  });
}

/** Files of the first IR versions do not state the kind of an attribute; the field in use tells. */
function guessKind(proto: AttributeProto): Kind {
  const { field } = AttributeProtoSchema;
  if (isFieldSet(proto, field.f)) return Kind.FLOAT;
  if (isFieldSet(proto, field.i)) return Kind.INT;
  if (isFieldSet(proto, field.s)) return Kind.STRING;
  if (proto.t) return Kind.TENSOR;
  if (proto.g) return Kind.GRAPH;
  if (proto.floats.length) return Kind.FLOATS;
  if (proto.ints.length) return Kind.INTS;
  if (proto.strings.length) return Kind.STRINGS;
  if (proto.tensors.length) return Kind.TENSORS;
  return proto.graphs.length ? Kind.GRAPHS : Kind.UNDEFINED;
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
