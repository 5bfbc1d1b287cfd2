import { type Graph, type Initializer, type Node, namesRead, nodeOf, operatorKey } from '../../onnx/graph.ts';
import { namesOf } from '../../onnx/lowering/rewrite.ts';
import { float32 } from '../../tensor/tensor.ts';

/**
 * A model of dynamic quantisation with its activations as they are: `MatMulInteger` of rounded activations and 8-bit
 * weights becomes the product of reals that it stands for, x · (W − z), and their scale 1. The scale of such rounding is
 * that of the largest number in the whole text, so that later tokens, and padding, would change what is said of earlier
 * ones. What else reads rounded values stays.
 */
export function unrounded(graph: Graph): Graph {
  const readers = readersOf(graph);
  const isRounding = (node: Node) =>
    operatorKey(node) === 'DynamicQuantizeLinear' &&
    (readers.get(node.outputs[0]) ?? []).every((reader) => isOfWeights(graph, reader, node)) &&
    (readers.get(node.outputs[2]) ?? []).every((reader) => isOfWeights(graph, reader, node));
  const sources = new Map(graph.nodes.filter(isRounding).map((node) => [node.outputs[0], node]));
  if (sources.size === 0) return graph;
  const names = namesOf(graph);
  const initializers = new Map(graph.initializers);
  const one = 'unrounded/one';
  const tensor = float32([], Float32Array.of(1));
  initializers.set(one, { name: one, type: 'float32', shape: [], location: { kind: 'memory', tensor } });
  const nodes = graph.nodes.flatMap((node): Node[] => {
    if (sources.get(node.outputs[0]) === node)
      return node.outputs[1] ? [nodeOf('Identity', [one], node.outputs[1])] : [];
    const source = operatorKey(node) === 'MatMulInteger' ? sources.get(node.inputs[0]) : undefined;
    if (!source) return [node];
    const [, weight, , zero = ''] = node.inputs;
    const real = `unrounded/${weight}`;
    const product = nodeOf('MatMul', [source.inputs[0], real], node.outputs[0]);
    if (names.has(real)) return [product];
    names.add(real);
    return [...realWeights(weight, zero, real), product];
  });
  return { ...graph, nodes, initializers, values: new Map() };
}

/** W − z by a Cast: of a DequantizeLinear before a product, ONNX Runtime may make integer arithmetic again. */
function realWeights(weight: string, zero: string, real: string): Node[] {
  const cast = (name: string, output: string) => nodeOf('Cast', [name], output, { to: 1 });
  if (zero === '') return [cast(weight, real)];
  const [whole, shift] = [`${real}/whole`, `${real}/zero`];
  return [cast(weight, whole), cast(zero, shift), nodeOf('Sub', [whole, shift], real)];
}

/** Whether a reader of a rounded value multiplies it by 8-bit weights of the file, with its own zero point. */
function isOfWeights({ initializers }: Graph, reader: Node | undefined, source: Node): boolean {
  if (reader === undefined || operatorKey(reader) !== 'MatMulInteger') return false;
  const [left, right, leftZero = '', rightZero = ''] = reader.inputs;
  const [weight, zero] = [initializers.get(right), rightZero && initializers.get(rightZero)];
  const isZero = rightZero === '' || (zero !== undefined && (zero as Initializer).shape.length <= 1);
  return left === source.outputs[0] && leftZero === (source.outputs[2] ?? '') && weight?.shape.length === 2 && isZero;
}

/** What reads each value; what reads an output of the graph is not known. */
function readersOf({ nodes, outputs }: Graph): Map<string, (Node | undefined)[]> {
  const readers = new Map<string, (Node | undefined)[]>();
  const read = (name: string, node: Node | undefined) => readers.set(name, [...(readers.get(name) ?? []), node]);
  for (const node of nodes) for (const name of namesRead(node)) read(name, node);
  for (const { name } of outputs) read(name, undefined);
  return readers;
}
