import { ancestorsOf, type Graph } from '../onnx/graph.ts';

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

/** The weights of a graph that an output depends on: constants of floats, more than one number, where layers have their weights. */
export function weightsOf(graph: Graph, output: string): string[] {
  const before = ancestorsOf(graph, output);
  const found = new Set<string>();
  for (const node of graph.nodes) {
    if (!node.outputs.some((name) => before.has(name))) continue;
    for (const index of parametric[node.op] ?? []) {
      const weight = graph.initializers.get(node.inputs[index]);
      const size = weight?.shape.reduce((product, dimension) => product * dimension, 1) ?? 0;
      if (weight?.type === 'float32' && size > 1) found.add(weight.name);
    }
  }
  return [...found];
}
