import { WhereforeError } from '../errors.ts';
import type { Graph, Initializer, Node } from '../onnx/graph.ts';
import { operatorKey } from '../onnx/graph.ts';
import { readInitializer } from '../onnx/initializer.ts';
import { traitsOf } from '../onnx/operators.ts';
import type { Model } from '../runtime/model.ts';
import { filled } from '../tensor/filled.ts';
import { random } from '../tensor/random.ts';
import { float32, sizeOf } from '../tensor/tensor.ts';

/** A node with weights of its own, and the names of those weights. */
export interface WeightedNode {
  readonly node: Node;
  readonly weights: readonly string[];
}

/** Nodes with learnt weights, from the output to the input. */
export function weightedNodes(graph: Graph): WeightedNode[] {
  const found: WeightedNode[] = [];
  for (const node of graph.nodes) {
    if (!traitsOf(operatorKey(node)).parametric) continue;
    const weights = node.inputs.filter((name) => graph.initializers.get(name)?.type === 'float32');
    if (weights.some((name) => (graph.initializers.get(name) as Initializer).shape.length >= 2))
      found.push({ node, weights });
  }
  return found.reverse();
}

/**
 * The model with some weights drawn anew: normal, with the mean and standard deviation that each weight had (those of
 * He's initialisation where the weight lies in a file that is not in memory). Its sessions belong to the model's executor.
 */
export function randomisedModel(model: Model, names: readonly string[], seed: number): Model {
  const initializers = new Map(model.graph.initializers);
  names.forEach((name, i) => {
    const weight = initializers.get(name);
    if (!weight) throw new WhereforeError('unknown-name', `the model has no weight "${name}"`);
    initializers.set(name, redrawn(weight, seed, i));
  });
  return { ...model, graph: { ...model.graph, initializers } };
}

/** Weights that lie in a file beside the model: they are not read, so their own mean and deviation are not known. */
export function unreadWeights({ graph }: Model, names: readonly string[]): string[] {
  return names.filter((name) => graph.initializers.get(name)?.location.kind === 'file');
}

function redrawn(weight: Initializer, seed: number, stream: number): Initializer {
  const { name, shape } = weight;
  const source = random(seed, 1000 + stream);
  const { mean, deviation } = momentsOf(weight);
  const values = filled(new Float32Array(sizeOf(shape)), () => mean + deviation * source.normal());
  return { name, type: 'float32', shape, location: { kind: 'memory', tensor: float32(shape, values) } };
}

function momentsOf(weight: Initializer): { mean: number; deviation: number } {
  if (weight.location.kind === 'file') {
    const fanIn = sizeOf(weight.shape) / (weight.shape[0] ?? 1);
    return { mean: 0, deviation: Math.sqrt(2 / Math.max(1, fanIn)) };
  }
  const data = readInitializer(weight).data as Float32Array;
  let [sum, squares] = [0, 0];
  for (const value of data) {
    sum += value;
    squares += value * value;
  }
  const mean = sum / data.length;
  return { mean, deviation: Math.sqrt(Math.max(0, squares / data.length - mean * mean)) };
}
