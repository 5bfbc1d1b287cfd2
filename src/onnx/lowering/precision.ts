import { convert } from '../../tensor/convert.ts';
import { type DataType, float32, sizeOf, type Tensor } from '../../tensor/tensor.ts';
import type { Attribute, Attributes, Graph, Initializer, Node, OnnxModel, ValueInfo } from '../graph.ts';
import { codeOfDataType } from '../types.ts';
import type { LoweringNote } from './notes.ts';
import { mapSubgraphs, namesOf } from './rewrite.ts';

/** Constants below this many elements are converted; larger ones are cast when the graph runs, so that their bytes stay where they are. */
const convertedBelow = 1024;

/** Float types that a model is not run in: the runtime lacks kernels for most operators, and gradients are float32. */
const isOtherFloat = (type: DataType | undefined) => type === 'float16' || type === 'bfloat16' || type === 'float64';
const typeOf = (type: DataType | undefined): DataType | undefined => (isOtherFloat(type) ? 'float32' : type);
const otherFloats: ReadonlyMap<number, string> = new Map(
  ['float16', 'bfloat16', 'float64'].map((type) => [codeOfDataType[type as DataType], type]),
);
/** Attributes that hold the code of an element type. */
const typeAttributes = ['to', 'dtype', 'output_dtype', 'output_datatype'];

/**
 * The same model computed in float32 throughout: its float16, bfloat16 and float64 weights are cast as they are read,
 * what it casts to these types it casts to float32, and its inputs and outputs are float32. A model without them comes
 * back as it is, without a note.
 *
 * Results differ from the original's by the rounding that a shorter type does after every operator. Constants of float64
 * that float32 does not hold become the nearest number that it does, never 0 or infinity: a mask of −10³⁰⁰ stays finite.
 */
export function toFloat32(model: OnnxModel): { readonly model: OnnxModel; readonly notes: readonly LoweringNote[] } {
  const found = new Set<string>();
  const graph = convertGraph(model.graph, namesOf(model.graph), found);
  const functions = model.functions.map((fn) => ({
    ...fn,
    defaults: convertAttributes(fn.defaults, found),
    nodes: fn.nodes.map((node) => convertNode(node, new Set(), found)),
  }));
  if (found.size === 0) return { model, notes: [] };
  const from = [...found].sort().join(' and ');
  const told = [
    `the model's ${from} values are computed in float32`,
    found.has('float64') ? 'its own results have more digits' : 'its own results are rounded more often',
  ];
  const text = told.join('; ');
  return {
    model: { ...model, graph, functions },
    notes: [{ code: 'precision-changed', node: '', from, to: 'float32', text }],
  };
}

function convertGraph(graph: Graph, names: Set<string>, found: Set<string>): Graph {
  const convertInfo = (info: ValueInfo): ValueInfo => {
    if (isOtherFloat(info.type)) found.add(info.type as string);
    return { ...info, type: typeOf(info.type) };
  };
  const inputs = new Set(graph.inputs.map((input) => input.name));
  const initializers = new Map<string, Initializer>();
  const casts: Node[] = [];
  for (const initializer of graph.initializers.values()) {
    const { name, type, shape, location } = initializer;
    if (!isOtherFloat(type)) {
      initializers.set(name, initializer);
      continue;
    }
    found.add(type);
    // One that is also an input must keep its name, so it cannot be the output of a Cast.
    if (location.kind === 'memory' && (sizeOf(shape) < convertedBelow || inputs.has(name))) {
      const tensor = inFloat32(location.tensor);
      initializers.set(name, { name, type: 'float32', shape, location: { kind: 'memory', tensor } });
      continue;
    }
    const stored = freshName(`${name}/${type}`, names);
    initializers.set(stored, { ...initializer, name: stored });
    const attributes: Attributes = { to: { kind: 'int', value: codeOfDataType.float32 } };
    casts.push({
      op: 'Cast',
      domain: '',
      name: freshName(`${name}/float32`, names),
      inputs: [stored],
      outputs: [name],
      attributes,
    });
  }
  return {
    ...graph,
    inputs: graph.inputs.map(convertInfo),
    outputs: graph.outputs.map(convertInfo),
    nodes: [...casts, ...graph.nodes.map((node) => convertNode(node, names, found))],
    initializers,
    values: new Map([...graph.values].map(([name, info]) => [name, convertInfo(info)])),
  };
}

function convertNode(node: Node, names: Set<string>, found: Set<string>): Node {
  const inner = mapSubgraphs(node, (graph) => convertGraph(graph, names, found));
  return { ...inner, attributes: convertAttributes(inner.attributes, found) };
}

const [smallest, largest] = [2 ** -126, (2 - 2 ** -23) * 2 ** 127];

/** A constant in float32; a finite number that float32 does not hold becomes the nearest that it does, other than 0. */
function inFloat32(tensor: Tensor): Tensor<'float32'> {
  if (tensor.type !== 'float64') return convert(tensor, 'float32');
  const nearest = (value: number) => {
    if (!Number.isFinite(value)) return value;
    return Math.sign(value) * Math.min(largest, Math.max(smallest, Math.abs(value)));
  };
  return float32(tensor.shape, (tensor.data as Float64Array).map(nearest));
}

function convertAttributes(attributes: Attributes, found: Set<string>): Attributes {
  const convertTensor = (tensor: Tensor): Tensor => {
    if (!isOtherFloat(tensor.type)) return tensor;
    found.add(tensor.type);
    return inFloat32(tensor);
  };
  const converted: Record<string, Attribute> = {};
  for (const [name, attribute] of Object.entries(attributes)) {
    const type =
      attribute.kind === 'int' && typeAttributes.includes(name) ? otherFloats.get(attribute.value) : undefined;
    if (type) {
      found.add(type);
      converted[name] = { kind: 'int', value: codeOfDataType.float32 };
    } else if (attribute.kind === 'tensor' && isOtherFloat(attribute.value.type) && name.endsWith('_as_tensor')) {
      // Trees take float32 values as a list, those of float64 as a tensor.
      const floats = Array.from(convertTensor(attribute.value).data as Float32Array);
      converted[name.slice(0, -'_as_tensor'.length)] = { kind: 'floats', value: floats };
    } else if (attribute.kind === 'tensor') converted[name] = { kind: 'tensor', value: convertTensor(attribute.value) };
    else if (attribute.kind === 'tensors')
      converted[name] = { kind: 'tensors', value: attribute.value.map(convertTensor) };
    else converted[name] = attribute;
  }
  return converted;
}

function freshName(base: string, names: Set<string>): string {
  let name = base;
  for (let count = 1; names.has(name); count++) name = `${base}_${count}`;
  names.add(name);
  return name;
}
