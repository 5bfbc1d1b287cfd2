import { shapeOnlyValues } from '../autodiff/facts.ts';
import type { GraphBuilder } from '../onnx/builder.ts';
import type { Graph, Node } from '../onnx/graph.ts';

/** A graph without the last convolution of some gradients, and these convolutions by the gradient that they made. */
export interface WithoutLastConvolutions {
  readonly graph: Graph;
  readonly convolutions: ReadonlyMap<string, Node>;
}

/**
 * Takes the last operation of each gradient out of the graph where it is a convolution with a fixed kernel: the sum over
 * points may then be taken before it, `Σ_k W ∗ g_k = W ∗ Σ_k g_k`, and it runs once instead of once a point.
 */
export function withoutLastConvolutions(graph: Graph, gradients: Iterable<string>): WithoutLastConvolutions {
  const fixed = shapeOnlyValues(graph);
  const read = new Set(graph.nodes.flatMap((node) => node.inputs));
  const wanted = new Set(gradients);
  const convolutions = new Map<string, Node>();
  for (const node of graph.nodes) {
    const [output] = node.outputs;
    const isConvolution = node.domain === '' && (node.op === 'Conv' || node.op === 'ConvTranspose');
    // A bias would be added once instead of once a point.
    if (!isConvolution || node.inputs[2] || !wanted.has(output) || read.has(output)) continue;
    if (fixed.has(node.inputs[1])) convolutions.set(output, node);
  }
  const nodes = graph.nodes.filter((node) => convolutions.get(node.outputs[0]) !== node);
  return { graph: { ...graph, nodes }, convolutions };
}

/**
 * The sum of a gradient over points, shape of one point with its rows: `[rows, …]`.
 * @param shape of the gradient, `[count · rows, …]`
 * @param convolution what was taken out of the graph and has to run on the sum
 */
export function sumOverPoints(
  builder: GraphBuilder,
  gradient: string,
  shape: readonly number[],
  count: number,
  convolution: Node | undefined,
): string {
  const [first = 1, ...rest] = shape;
  const sum = (value: string, keepdims: number) => builder.op('ReduceSum', [value, builder.ints([0])], { keepdims });
  if (!convolution) {
    // A layer may hold several rows a point (windows, heads): the points are summed, the rows of a point are not.
    return sum(builder.op('Reshape', [gradient, builder.ints([count, first / count, ...rest])]), 0);
  }
  const [value, weight] = convolution.inputs;
  builder.append({ ...convolution, inputs: [sum(value, 1), weight] });
  return gradient;
}
