import { lookup } from '../tensor/lookup.ts';
import type { DataType } from '../tensor/tensor.ts';
import { type Graph, intAttribute, type Node, operatorKey, subgraphsOf } from './graph.ts';
import { operatorsThat } from './operators.ts';

/** ONNX's numbers for the element types (TensorProto.DataType). */
export const dataTypeOfCode: Readonly<Record<number, DataType>> = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  8: 'string',
  9: 'bool',
  10: 'float16',
  11: 'float64',
  12: 'uint32',
  13: 'uint64',
  16: 'bfloat16',
  21: 'uint4',
  22: 'int4',
};

/** The element type's ONNX number, for `to` and `dtype` attributes. */
export const codeOfDataType = Object.fromEntries(
  Object.entries(dataTypeOfCode).map(([code, type]) => [type, Number(code)]),
) as Readonly<Record<DataType, number>>;

type TypeOf = (name: string) => DataType | undefined;
type TypeRule = (node: Node, typeOf: TypeOf) => readonly (DataType | undefined)[];

const always =
  (...types: DataType[]): TypeRule =>
  () =>
    types;
const sameAsInput =
  (index: number, ...rest: DataType[]): TypeRule =>
  (node, typeOf) => [typeOf(node.inputs[index] ?? ''), ...rest];
const fromAttribute =
  (name: string, fallback: (node: Node, typeOf: TypeOf) => DataType | undefined): TypeRule =>
  (node, typeOf) => {
    const code = intAttribute(node, name);
    return [code ? dataTypeOfCode[code] : fallback(node, typeOf)];
  };
const ofFirst = (node: Node, typeOf: TypeOf) => typeOf(node.inputs[0] ?? '');

/** The type that QuantizeLinear names, that of its zero point, or uint8. */
const quantizedType: TypeRule = (node, typeOf) => {
  const code = intAttribute(node, 'output_dtype');
  return [code ? dataTypeOfCode[code] : node.inputs[2] ? typeOf(node.inputs[2]) : 'uint8'];
};

/** What a LabelEncoder makes of its keys: the type of its values. */
function encodedType({ attributes }: Node): DataType | undefined {
  const { values_tensor: values } = attributes;
  if (values?.kind === 'tensor') return values.value.type;
  if (attributes.values_strings) return 'string';
  if (attributes.values_int64s) return 'int64';
  return attributes.values_floats ? 'float32' : undefined;
}

/** Operators whose outputs do not all have the type of the first input. */
const typeRules: Readonly<Record<string, TypeRule>> = {
  ...Object.fromEntries([...operatorsThat(({ output }) => output === 'bool')].map((op) => [op, always('bool')])),
  ...Object.fromEntries([...operatorsThat(({ output }) => output === 'int64')].map((op) => [op, always('int64')])),
  Cast: fromAttribute('to', () => undefined),
  CastLike: sameAsInput(1),
  Where: sameAsInput(1),
  Constant: (node) => {
    for (const attribute of Object.values(node.attributes)) {
      if (attribute.kind === 'tensor') return [attribute.value.type];
      if (attribute.kind === 'float' || attribute.kind === 'floats') return ['float32'];
      if (attribute.kind === 'int' || attribute.kind === 'ints') return ['int64'];
      if (attribute.kind === 'string' || attribute.kind === 'strings') return ['string'];
    }
    return [undefined];
  },
  ConstantOfShape: (node) => {
    const { value } = node.attributes;
    return [value?.kind === 'tensor' ? value.value.type : 'float32'];
  },
  RandomNormal: fromAttribute('dtype', () => 'float32'),
  RandomUniform: fromAttribute('dtype', () => 'float32'),
  RandomNormalLike: fromAttribute('dtype', ofFirst),
  RandomUniformLike: fromAttribute('dtype', ofFirst),
  Bernoulli: fromAttribute('dtype', ofFirst),
  EyeLike: fromAttribute('dtype', ofFirst),
  Multinomial: fromAttribute('dtype', () => 'int32'),
  BlackmanWindow: fromAttribute('output_datatype', () => 'float32'),
  HannWindow: fromAttribute('output_datatype', () => 'float32'),
  HammingWindow: fromAttribute('output_datatype', () => 'float32'),
  MelWeightMatrix: fromAttribute('output_datatype', () => 'float32'),
  MaxPool: sameAsInput(0, 'int64'),
  TopK: sameAsInput(0, 'int64'),
  Unique: sameAsInput(0, 'int64', 'int64', 'int64'),
  Dropout: sameAsInput(0, 'bool'),
  OneHot: sameAsInput(2),
  QuantizeLinear: quantizedType,
  'com.microsoft.QuantizeLinear': quantizedType,
  'com.microsoft.DequantizeLinear': sameAsInput(1),
  DequantizeLinear: fromAttribute('output_dtype', (node, typeOf) => typeOf(node.inputs[1])),
  DynamicQuantizeLinear: always('uint8', 'float32', 'uint8'),
  QLinearConv: sameAsInput(7),
  QLinearMatMul: sameAsInput(7),
  ConvInteger: always('int32'),
  MatMulInteger: always('int32'),
  LayerNormalization: (node, typeOf) => [typeOf(node.inputs[0]), 'float32', 'float32'],
  BatchNormalization: (node, typeOf) => [typeOf(node.inputs[0]), typeOf(node.inputs[3]), typeOf(node.inputs[4])],
  SequenceAt: always(),
  StringNormalizer: always('string'),
  StringSplit: always('string', 'int64'),
  StringConcat: always('string'),
  RegexFullMatch: always('bool'),
  TfIdfVectorizer: always('float32'),
  ...Object.fromEntries(
    [
      'SequenceConstruct',
      'SequenceEmpty',
      'SequenceInsert',
      'SequenceErase',
      'SequenceMap',
      'SplitToSequence',
      'Optional',
      'OptionalGetElement',
    ].map((op) => [op, always()]),
  ),
  ...Object.fromEntries(
    ['Scaler', 'Normalizer', 'FeatureVectorizer', 'LinearRegressor', 'SVMRegressor', 'OneHotEncoder'].map((op) => [
      `ai.onnx.ml.${op}`,
      always('float32'),
    ]),
  ),
  ...Object.fromEntries(
    ['LinearClassifier', 'SVMClassifier', 'TreeEnsembleClassifier'].map((op) => [
      `ai.onnx.ml.${op}`,
      (node: Node) => [node.attributes.classlabels_strings ? 'string' : 'int64', 'float32'] as const,
    ]),
  ),
  'ai.onnx.ml.LabelEncoder': (node) => [encodedType(node)],
  'ai.onnx.ml.CategoryMapper': (node, typeOf) => [typeOf(node.inputs[0] ?? '') === 'string' ? 'int64' : 'string'],
  'ai.onnx.ml.TreeEnsembleRegressor': always('float32'),
  'ai.onnx.ml.ZipMap': always(),
  'com.microsoft.QLinearConcat': sameAsInput(2),
  'com.microsoft.QLinearWhere': sameAsInput(1),
  'com.microsoft.QLinearConv': sameAsInput(7),
  'com.microsoft.QGemm': (node, typeOf) => [node.inputs[8] ? typeOf(node.inputs[8]) : 'float32'],
  'com.microsoft.QAttention': always('float32', 'float32'),
  'com.microsoft.QEmbedLayerNormalization': always('float32', 'int32'),
  'com.microsoft.DynamicQuantizeLSTM': always('float32', 'float32', 'float32'),
  'com.microsoft.DynamicQuantizeMatMul': always('float32'),
  'com.microsoft.MatMulIntegerToFloat': always('float32'),
};

/**
 * Element type of every tensor value of a graph that can be told from the graph alone; a declared type wins over one
 * that follows from an operator. Sequences, maps and outputs of unknown operators are absent.
 *
 * @param outer types of the values around a nested graph
 */
export function inferTypes(graph: Graph, outer: ReadonlyMap<string, DataType> = new Map()): Map<string, DataType> {
  const types = new Map(outer);
  const declare = (name: string, type: DataType | undefined) => {
    if (name && type) types.set(name, type);
  };
  for (const value of [...graph.values.values(), ...graph.outputs, ...graph.inputs]) declare(value.name, value.type);
  for (const initializer of graph.initializers.values()) declare(initializer.name, initializer.type);
  const typeOf: TypeOf = (name) => types.get(name);
  for (const node of graph.nodes) {
    const bodies = subgraphsOf(node);
    if (bodies.length) {
      const [body] = bodies;
      const inner = inferTypes(body, types);
      // The body of a Loop has the condition before its outputs; that of If and Scan has its outputs alone.
      const skipped = node.op === 'Loop' ? 1 : 0;
      node.outputs.forEach((name, i) => {
        const output = body.outputs[i + skipped];
        if (output) declare(name, output.type ?? inner.get(output.name));
      });
      continue;
    }
    const rule = lookup(typeRules, operatorKey(node));
    const first = typeOf(node.inputs.find(Boolean) ?? '');
    const inferred = rule ? rule(node, typeOf) : node.outputs.map(() => first);
    node.outputs.forEach((name, i) => {
      if (!types.has(name)) declare(name, inferred[i]);
    });
  }
  return types;
}
