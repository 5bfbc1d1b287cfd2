/** Fields of a protobuf message by name: number, what they hold, and whether there are several. */
type Fields = Readonly<Record<string, Field>>;
type Field = readonly [number: number, holds: string, times?: Times];

/**
 * many: a list, each element for itself. packed: a list of numbers written as one piece. choice: at most one of the
 * fields of the message that are so marked.
 */
type Times = 'many' | 'packed' | 'choice';

/**
 * The messages of an ONNX file (onnx.proto, proto2, IR version 13), fields in the order of their numbers. Left out is what
 * nothing here reads: documentation strings, metadata of nodes, training, distribution over devices.
 */
export const messages = {
  ModelProto: {
    irVersion: [1, 'int64'],
    producerName: [2, 'string'],
    graph: [7, 'GraphProto'],
    opsetImport: [8, 'OperatorSetIdProto', 'many'],
    metadataProps: [14, 'StringStringEntryProto', 'many'],
    functions: [25, 'FunctionProto', 'many'],
  },
  OperatorSetIdProto: { domain: [1, 'string'], version: [2, 'int64'] },
  GraphProto: {
    node: [1, 'NodeProto', 'many'],
    name: [2, 'string'],
    initializer: [5, 'TensorProto', 'many'],
    input: [11, 'ValueInfoProto', 'many'],
    output: [12, 'ValueInfoProto', 'many'],
    valueInfo: [13, 'ValueInfoProto', 'many'],
    sparseInitializer: [15, 'SparseTensorProto', 'many'],
  },
  NodeProto: {
    input: [1, 'string', 'many'],
    output: [2, 'string', 'many'],
    name: [3, 'string'],
    opType: [4, 'string'],
    attribute: [5, 'AttributeProto', 'many'],
    domain: [7, 'string'],
    overload: [8, 'string'],
  },
  AttributeProto: {
    name: [1, 'string'],
    f: [2, 'float'],
    i: [3, 'int64'],
    s: [4, 'bytes'],
    t: [5, 'TensorProto'],
    g: [6, 'GraphProto'],
    floats: [7, 'float', 'many'],
    ints: [8, 'int64', 'many'],
    strings: [9, 'bytes', 'many'],
    tensors: [10, 'TensorProto', 'many'],
    graphs: [11, 'GraphProto', 'many'],
    tp: [14, 'TypeProto'],
    typeProtos: [15, 'TypeProto', 'many'],
    type: [20, 'int32'],
    refAttrName: [21, 'string'],
    sparseTensor: [22, 'SparseTensorProto'],
    sparseTensors: [23, 'SparseTensorProto', 'many'],
  },
  TensorProto: {
    dims: [1, 'int64', 'many'],
    dataType: [2, 'int32'],
    segment: [3, 'Segment'],
    floatData: [4, 'float', 'packed'],
    int32Data: [5, 'int32', 'packed'],
    stringData: [6, 'bytes', 'many'],
    int64Data: [7, 'int64', 'packed'],
    name: [8, 'string'],
    rawData: [9, 'bytes'],
    doubleData: [10, 'double', 'packed'],
    uint64Data: [11, 'uint64', 'packed'],
    externalData: [13, 'StringStringEntryProto', 'many'],
    dataLocation: [14, 'int32'],
  },
  Segment: { begin: [1, 'int64'], end: [2, 'int64'] },
  StringStringEntryProto: { key: [1, 'string'], value: [2, 'string'] },
  SparseTensorProto: { values: [1, 'TensorProto'], indices: [2, 'TensorProto'], dims: [3, 'int64', 'many'] },
  ValueInfoProto: { name: [1, 'string'], type: [2, 'TypeProto'] },
  TypeProto: {
    tensorType: [1, 'TensorType', 'choice'],
    sequenceType: [4, 'ElementType', 'choice'],
    mapType: [5, 'MapType', 'choice'],
    denotation: [6, 'string'],
    sparseTensorType: [8, 'TensorType', 'choice'],
    optionalType: [9, 'ElementType', 'choice'],
  },
  TensorType: { elemType: [1, 'int32'], shape: [2, 'TensorShapeProto'] },
  ElementType: { elemType: [1, 'TypeProto'] },
  MapType: { keyType: [1, 'int32'], valueType: [2, 'TypeProto'] },
  TensorShapeProto: { dim: [1, 'Dimension', 'many'] },
  Dimension: { dimValue: [1, 'int64', 'choice'], dimParam: [2, 'string', 'choice'], denotation: [3, 'string'] },
  FunctionProto: {
    name: [1, 'string'],
    input: [4, 'string', 'many'],
    output: [5, 'string', 'many'],
    attribute: [6, 'string', 'many'],
    node: [7, 'NodeProto', 'many'],
    opsetImport: [9, 'OperatorSetIdProto', 'many'],
    domain: [10, 'string'],
    attributeProto: [11, 'AttributeProto', 'many'],
    overload: [13, 'string'],
  },
} as const satisfies Readonly<Record<string, Fields>>;

export type MessageName = keyof typeof messages;
export type ScalarName = keyof Scalars;

interface Scalars {
  readonly int64: bigint;
  readonly uint64: bigint;
  readonly int32: number;
  readonly float: number;
  readonly double: number;
  readonly string: string;
  readonly bytes: Uint8Array;
}

type Held<K> = K extends ScalarName ? Scalars[K] : K extends MessageName ? Message<K> : never;
type Given<K> = K extends ScalarName ? Scalars[K] : K extends MessageName ? MessageInit<K> : never;

/** A message that was read. A field that the file does not have is the default of its type, an empty list or undefined. */
export type Message<N extends MessageName> = {
  readonly [F in keyof (typeof messages)[N]]: (typeof messages)[N][F] extends readonly [number, infer K, infer T]
    ? T extends 'choice'
      ? Held<K> | undefined
      : readonly Held<K>[]
    : (typeof messages)[N][F] extends readonly [number, infer K]
      ? K extends ScalarName
        ? Scalars[K]
        : Held<K> | undefined
      : never;
};

/** A message to be written: what is left out or undefined is not in the file. */
export type MessageInit<N extends MessageName> = {
  readonly [F in keyof (typeof messages)[N]]?:
    | ((typeof messages)[N][F] extends readonly [number, infer K, infer T]
        ? T extends 'choice'
          ? Given<K>
          : readonly Given<K>[]
        : (typeof messages)[N][F] extends readonly [number, infer K]
          ? Given<K>
          : never)
    | undefined;
};

/** What a reader and a writer need of a field. */
export interface FieldFacts {
  readonly name: string;
  readonly number: number;
  readonly times: Times | undefined;
  /** One of the two. */
  readonly scalar: ScalarName | undefined;
  readonly message: MessageName | undefined;
}

const factsOf = (fields: Fields): FieldFacts[] =>
  Object.entries(fields).map(([name, [number, holds, times]]) => {
    const isMessage = Object.hasOwn(messages, holds);
    return {
      name,
      number,
      times,
      scalar: isMessage ? undefined : (holds as ScalarName),
      message: isMessage ? (holds as MessageName) : undefined,
    };
  });

let facts: Readonly<Record<MessageName, readonly FieldFacts[]>> | undefined;

/** The fields of a message in the order of their numbers. */
export function fieldsOf(name: MessageName): readonly FieldFacts[] {
  facts ??= Object.fromEntries(Object.entries(messages).map(([key, fields]) => [key, factsOf(fields)])) as Record<
    MessageName,
    FieldFacts[]
  >;
  return facts[name];
}

/** Whether the file has a field: only then is it a message's own. */
export const hasField = <M extends object>(message: M, field: keyof M & string): boolean =>
  Object.hasOwn(message, field);

/** Kinds of attributes, `AttributeProto.type`. */
export const attributeKinds = {
  undefined: 0,
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
  tensors: 9,
  graphs: 10,
} as const;

/** `TensorProto.dataLocation` of weights that lie in another file. */
export const externalLocation = 1;
