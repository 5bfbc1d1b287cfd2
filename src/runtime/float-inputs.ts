import { type Graph, intAttribute, type Node, operatorKey } from '../onnx/graph.ts';
import { movesFirst } from '../onnx/operators.ts';
import { codeOfDataType, dataTypeOfCode, inferTypes } from '../onnx/types.ts';
import { convert } from '../tensor/convert.ts';
import { namedMemo } from '../tensor/memo.ts';
import { type DataType, sizeOf, type Tensor } from '../tensor/tensor.ts';
import type { Model } from './model.ts';
import type { Tensors } from './runtime.ts';

/** A model that takes inputs of whole numbers as float32, so that there are points between two of them. */
export interface FloatInputs {
  readonly model: Model;
  /** The same values under the types that this model takes. */
  floats(tensors: Tensors): Map<string, Tensor>;
  /** What a reader of the gradient must know, for each of the inputs. */
  readonly notes: ReadonlyMap<string, string>;
}

/** Operators that compute floats from whole numbers and from floats alike. */
const takingEither: ReadonlySet<string> = new Set([
  'Shape',
  'Size',
  'ai.onnx.ml.Scaler',
  'ai.onnx.ml.Normalizer',
  'ai.onnx.ml.LinearRegressor',
  'ai.onnx.ml.LinearClassifier',
]);

/** Whole numbers of one type that another one holds as well. */
const widening: Readonly<Partial<Record<DataType, readonly DataType[]>>> = {
  uint8: ['uint8', 'uint16', 'int16', 'uint32', 'int32', 'uint64', 'int64'],
  int8: ['int8', 'int16', 'int32', 'int64'],
  uint16: ['uint16', 'uint32', 'int32', 'uint64', 'int64'],
  int16: ['int16', 'int32', 'int64'],
  uint32: ['uint32', 'uint64', 'int64'],
  int32: ['int32', 'int64'],
  int64: ['int64'],
  uint64: ['uint64'],
};

const known = namedMemo<Model, FloatInputs | undefined>();

/**
 * The model with some of its inputs taken as float32, where it does nothing with their whole numbers but move them and
 * turn them into floats: it then computes the same at whole numbers, and is defined between them. undefined where it
 * computes with whole numbers (looks them up, compares, rounds), and where none of the names is such an input.
 */
export function floatInputs(model: Model, names: readonly string[]): FloatInputs | undefined {
  const whole = names.filter((name) => {
    const type = model.types.get(name);
    return type !== undefined && widening[type] && model.graph.inputs.some((input) => input.name === name);
  });
  if (whole.length === 0) return undefined;
  return known(model, JSON.stringify(whole), () => made(model, new Set(whole)));
}

function made(model: Model, names: ReadonlySet<string>): FloatInputs | undefined {
  const graph = withFloats(model, names);
  return (
    graph && {
      model: { ...model, graph, types: inferTypes(graph) },
      floats: (tensors) =>
        new Map([...tensors].map(([name, tensor]) => [name, names.has(name) ? convert(tensor, 'float32') : tensor])),
      notes: new Map(
        [...names].map((name) => [
          name,
          `its ${model.types.get(name)} elements are taken as real numbers, which the model turns them into: between whole ones it is defined as well`,
        ]),
      ),
    }
  );
}

function withFloats({ graph, types }: Model, names: ReadonlySet<string>): Graph | undefined {
  const moved = new Set(names);
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    if (!node.inputs.some((name) => moved.has(name))) {
      // What a nested graph reads of its surroundings is not followed.
      if (capturesAny(node, moved)) return undefined;
      nodes.push(node);
      continue;
    }
    const replaced = replacement(node, moved, types, graph);
    if (!replaced) return undefined;
    for (const name of replaced.moved) moved.add(name);
    for (const own of replaced.nodes) nodes.push(own);
  }
  const isMoved = ({ name }: { readonly name: string }) => moved.has(name);
  if (graph.outputs.some(isMoved)) return undefined;
  const values = new Map([...graph.values].filter(([name]) => !moved.has(name)));
  const inputs = graph.inputs.map((input) => (isMoved(input) ? { ...input, type: 'float32' as const } : input));
  return { ...graph, inputs, nodes, values };
}

function capturesAny(node: Node, moved: ReadonlySet<string>): boolean {
  return Object.values(node.attributes).some(
    (attribute) =>
      (attribute.kind === 'graph' && attribute.value.nodes.some((inner) => readsAny(inner, moved))) ||
      (attribute.kind === 'graphs' &&
        attribute.value.some(({ nodes }) => nodes.some((inner) => readsAny(inner, moved)))),
  );
}

const readsAny = (node: Node, moved: ReadonlySet<string>): boolean =>
  node.inputs.some((name) => moved.has(name)) || capturesAny(node, moved);

interface Replacement {
  readonly nodes: readonly Node[];
  /** Outputs that are whole numbers in the file, and floats of the same values here. */
  readonly moved: readonly string[];
}

/** What stands for a node that reads whole numbers given as floats; undefined where there is nothing. */
function replacement(
  node: Node,
  moved: ReadonlySet<string>,
  types: ReadonlyMap<string, DataType>,
  graph: Graph,
): Replacement | undefined {
  const operator = operatorKey(node);
  const onlyFirst = node.inputs.every((name, i) => i === 0 || !moved.has(name));
  if (takingEither.has(operator)) return onlyFirst ? { nodes: [node], moved: [] } : undefined;
  if (movesFirst(operator)) return onlyFirst ? { nodes: [node], moved: node.outputs } : undefined;
  if (operator === 'Concat')
    return node.inputs.every((name) => moved.has(name)) ? { nodes: [node], moved: node.outputs } : undefined;
  if (operator === 'Cast') {
    const to = dataTypeOfCode[intAttribute(node, 'to', 0)];
    if (to === 'float32') return { nodes: [node], moved: [] };
    const from = types.get(node.inputs[0]);
    return from && widening[from]?.includes(to)
      ? { nodes: [{ ...node, op: 'Identity', attributes: {} }], moved: node.outputs }
      : undefined;
  }
  return operator === 'DequantizeLinear' && onlyFirst ? dequantized(node, graph) : undefined;
}

/** `(x − z) · s` in floats, for one scale. */
function dequantized(node: Node, { initializers }: Graph): Replacement | undefined {
  const [x, scale, zero] = node.inputs;
  const found = initializers.get(scale);
  if (found?.type !== 'float32' || sizeOf(found.shape) !== 1) return undefined;
  const [output] = node.outputs;
  const own = (op: string, inputs: readonly string[], name: string, attributes: Node['attributes'] = {}): Node => ({
    op,
    domain: '',
    name,
    inputs,
    outputs: [name],
    attributes,
  });
  if (!zero) return { nodes: [own('Mul', [x, scale], output)], moved: [] };
  const [point, difference] = [`${output}/zero point`, `${output}/difference`];
  const cast = own('Cast', [zero], point, { to: { kind: 'int', value: codeOfDataType.float32 } });
  return { nodes: [cast, own('Sub', [x, point], difference), own('Mul', [difference, scale], output)], moved: [] };
}
