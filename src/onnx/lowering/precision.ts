import { convert } from '../../tensor/convert.ts';
import { type DataType, sizeOf, type Tensor } from '../../tensor/tensor.ts';
import type { Attribute, Attributes, Graph, Initializer, Node, OnnxModel, ValueInfo } from '../graph.ts';
import { codeOfDataType } from '../types.ts';
import type { LoweringNote } from './notes.ts';
import { mapSubgraphs, namesOf } from './rewrite.ts';

/** Constants below this many elements are converted; larger ones are cast when the graph runs, so that their bytes stay where they are. */
const convertedBelow = 1024;

const isSmallFloat = (type: DataType | undefined) => type === 'float16' || type === 'bfloat16';
const typeOf = (type: DataType | undefined): DataType | undefined => (isSmallFloat(type) ? 'float32' : type);
const smallFloatCodes: readonly number[] = [codeOfDataType.float16, codeOfDataType.bfloat16];
/** Attributes that hold the code of an element type. */
const typeAttributes = ['to', 'dtype', 'output_dtype', 'output_datatype'];

/**
 * The same model computed in float32 throughout: its float16 and bfloat16 weights are cast as they are read, what it
 * casts to these types it casts to float32, and its inputs and outputs are float32. A model without them comes back
 * as it is, without a note.
 *
 * Results differ from the original's by the rounding that the original does after every operator.
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
  const text = `the model's ${from} values are computed in float32; its own results are rounded more often`;
  return {
    model: { ...model, graph, functions },
    notes: [{ code: 'precision-changed', node: '', from, to: 'float32', text }],
  };
}

function convertGraph(graph: Graph, names: Set<string>, found: Set<string>): Graph {
  const convertInfo = (info: ValueInfo): ValueInfo => {
    if (isSmallFloat(info.type)) found.add(info.type as string);
    return { ...info, type: typeOf(info.type) };
  };
  const inputs = new Set(graph.inputs.map((input) => input.name));
  const initializers = new Map<string, Initializer>();
  const casts: Node[] = [];
  for (const initializer of graph.initializers.values()) {
    const { name, type, shape, location } = initializer;
    if (!isSmallFloat(type)) {
      initializers.set(name, initializer);
      continue;
    }
    found.add(type);
    // One that is also an input must keep its name, so it cannot be the output of a Cast.
    if (location.kind === 'memory' && (sizeOf(shape) < convertedBelow || inputs.has(name))) {
      const tensor = convert(location.tensor, 'float32');
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

function convertAttributes(attributes: Attributes, found: Set<string>): Attributes {
  const convertTensor = (tensor: Tensor): Tensor => {
    if (!isSmallFloat(tensor.type)) return tensor;
    found.add(tensor.type);
    return convert(tensor, 'float32');
  };
  const converted: Record<string, Attribute> = {};
  for (const [name, attribute] of Object.entries(attributes)) {
    if (attribute.kind === 'int' && typeAttributes.includes(name) && smallFloatCodes.includes(attribute.value)) {
      found.add(attribute.value === codeOfDataType.float16 ? 'float16' : 'bfloat16');
      converted[name] = { kind: 'int', value: codeOfDataType.float32 };
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
