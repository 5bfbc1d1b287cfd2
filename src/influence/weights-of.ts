import { ancestorsOf, type Graph, type Node } from '../onnx/graph.ts';

/** Operators that read weights, and which of their inputs may be one. */
const parametric: Readonly<Record<string, readonly number[]>> = {
  MatMul: [0, 1],
  Gemm: [0, 1, 2],
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  Gather: [0],
  Add: [0, 1],
  LayerNormalization: [1, 2],
  RMSNormalization: [1],
  BatchNormalization: [1, 2],
  InstanceNormalization: [1, 2],
  GroupNormalization: [1, 2],
};

/**
 * The weights of a graph that an output depends on: constants of floats, more than one number or a bias, where layers have
 * their weights.
 */
export function weightsOf(graph: Graph, output: string): string[] {
  const before = ancestorsOf(graph, output);
  const found = new Set<string>();
  const products = new Set(graph.nodes.flatMap(({ op, outputs }) => (op === 'MatMul' ? [outputs[0]] : [])));
  /** Of a layer with one output, whose bias is one number. */
  const isBias = ({ op, inputs }: Node, index: number) =>
    op === 'Add' ? products.has(inputs[1 - index]) : index === 2 && (op === 'Gemm' || op === 'Conv');
  for (const node of graph.nodes) {
    if (!node.outputs.some((name) => before.has(name))) continue;
    for (const index of parametric[node.op] ?? []) {
      const weight = graph.initializers.get(node.inputs[index]);
      const size = weight?.shape.reduce((product, dimension) => product * dimension, 1) ?? 0;
      if (weight?.type === 'float32' && (size > 1 || isBias(node, index))) found.add(weight.name);
    }
  }
  return [...found];
}
