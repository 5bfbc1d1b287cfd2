import { type Graph, intsAttribute, type Node, operatorKey, stringAttribute } from '../onnx/graph.ts';
import { readInitializer } from '../onnx/initializer.ts';
import { inferTypes } from '../onnx/types.ts';
import { toNumbers } from '../tensor/convert.ts';
import { lookup } from '../tensor/lookup.ts';
import { type DataType, dataTypes, sizeOf } from '../tensor/tensor.ts';

/** A value that a graph makes at any input, and the bytes that it has at least. */
export interface EstimatedValue {
  readonly node: Node;
  readonly bytes: number;
}

/** Numbers of an input that is a constant of the graph; undefined where it is none. */
type Constant = (input: number) => number[] | undefined;

/** Elements that the first output has at least; undefined where constants do not say. */
type LeastElements = (node: Node, constant: Constant, elementsOf: (input: number) => number) => number | undefined;

const product = (sizes: readonly number[] | undefined): number | undefined =>
  sizes?.reduce((all, size) => all * size, 1);

const bySizes =
  (input: number): LeastElements =>
  (_, constant) =>
    product(constant(input));

const byShape: LeastElements = (node) => product(intsAttribute(node, 'shape'));

/** Operators that make large values of small constants. */
const leastElements: Readonly<Record<string, LeastElements>> = {
  ConstantOfShape: bySizes(0),
  Expand: bySizes(1),
  RandomNormal: byShape,
  RandomUniform: byShape,
  Tile: (_, constant, elementsOf) => times(product(constant(1)), elementsOf(0)),
  OneHot: (_, constant, elementsOf) => times(product(constant(1)), elementsOf(0)),
  Range: (_, constant) => {
    const [start, limit, delta] = [constant(0)?.[0], constant(1)?.[0], constant(2)?.[0]];
    if (start === undefined || limit === undefined || !delta) return undefined;
    return Math.max(0, Math.ceil((limit - start) / delta));
  },
  // With a policy, the sizes are bounds of which one is met.
  Resize: (node, constant, elementsOf) =>
    stringAttribute(node, 'keep_aspect_ratio_policy', 'stretch') === 'stretch'
      ? (product(constant(3)) ?? times(product(constant(2)), elementsOf(0)))
      : undefined,
};

const times = (factor: number | undefined, elements: number): number | undefined =>
  factor === undefined ? undefined : factor * elements;

/** Sizes and the like are short; a longer constant is none. */
const mostNumbers = 64;

/** The largest value of a graph, outside of its branches and loops, whose size follows from constants. */
export function largestEstimated(graph: Graph): EstimatedValue | undefined {
  const makers = graph.nodes.filter((node) => lookup(leastElements, operatorKey(node)));
  if (makers.length === 0) return undefined;
  const types = inferTypes(graph);
  const shapes = new Map(graph.inputs.map(({ name, shape }) => [name, shape]));
  let largest: EstimatedValue | undefined;
  for (const node of makers) {
    const constant: Constant = (input) => {
      const weight = graph.initializers.get(node.inputs[input] ?? '');
      if (!weight || weight.location.kind === 'file' || sizeOf(weight.shape) > mostNumbers) return undefined;
      const numbers = toNumbers(readInitializer(weight));
      return numbers.length > 0 ? [...numbers] : undefined;
    };
    const elementsOf = (input: number) => {
      const shape = graph.initializers.get(node.inputs[input])?.shape ?? shapes.get(node.inputs[input]) ?? [];
      return product(shape.map((size) => (typeof size === 'number' ? size : 1))) as number;
    };
    const elements = lookup(leastElements, operatorKey(node))?.(node, constant, elementsOf) ?? 0;
    const type: DataType = types.get(node.outputs[0]) ?? 'uint8';
    const bytes = elements * dataTypes[type].bytes;
    if (bytes > (largest?.bytes ?? 0)) largest = { node, bytes };
  }
  return largest;
}
