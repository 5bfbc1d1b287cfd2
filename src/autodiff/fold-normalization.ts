import { GraphBuilder } from '../onnx/builder.ts';
import { floatAttribute, type Graph, intAttribute, type Node, namesRead } from '../onnx/graph.ts';
import type { Facts } from './facts.ts';

/**
 * Folds every BatchNormalization (in inference mode) into the convolution before it:
 * `γ(W∗x + b − μ)/√(σ² + ε) + β = (W·s)∗x + (b − μ)·s + β` with `s = γ/√(σ² + ε)`.
 *
 * The runtime does so for the forward pass; done here, the backward pass saves a product over every feature map too.
 * Left alone is a pair whose value between, or one of whose weights, is in `kept` or read by anyone else.
 *
 * @param kept values that are differentiated, seeded or asked for
 */
export function foldNormalization(
  graph: Graph,
  facts: Facts,
  kept: ReadonlySet<string>,
): { graph: Graph; facts: Facts } {
  const readers = new Map<string, number>();
  for (const node of graph.nodes) for (const name of namesRead(node)) readers.set(name, (readers.get(name) ?? 0) + 1);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const convolutions = new Map(graph.nodes.filter(({ op }) => op === 'Conv').map((node) => [node.outputs[0], node]));
  const isFixed = (name: string) => !name || (graph.initializers.has(name) && !kept.has(name) && !outputs.has(name));
  const pairs = new Map<Node, Node>();
  for (const node of graph.nodes) {
    const convolution = convolutions.get(node.inputs[0]);
    if (!convolution || node.op !== 'BatchNormalization' || intAttribute(node, 'training_mode', 0) !== 0) continue;
    const between = node.inputs[0];
    const isPrivate = readers.get(between) === 1 && !kept.has(between) && !outputs.has(between);
    const weights = [...convolution.inputs.slice(1), ...node.inputs.slice(1)];
    // The weights must be float32: the arithmetic below is done once, when the runtime opens the graph.
    const isPlain = weights.every((name) => !name || facts.types.get(name) === 'float32');
    if (isPrivate && isPlain && node.outputs.filter(Boolean).length === 1 && weights.every(isFixed))
      pairs.set(node, convolution);
  }
  if (pairs.size === 0) return { graph, facts };

  const builder = new GraphBuilder(graph, { prefix: 'folded/' });
  const shapes = new Map(facts.shapes);
  const types = new Map(facts.types);
  const replaced = new Map<Node, Node>();
  for (const [normalization, convolution] of pairs) {
    const [weight, bias] = foldedWeights(builder, facts, normalization, convolution);
    const [, original, shift] = [convolution.inputs[0], convolution.inputs[1], normalization.inputs[2]];
    for (const [name, like] of [
      [weight, original],
      [bias, shift],
    ]) {
      shapes.set(name, facts.shapes.get(like) ?? []);
      types.set(name, 'float32');
    }
    const inputs = [convolution.inputs[0], weight, bias];
    replaced.set(normalization, { ...convolution, inputs, outputs: [normalization.outputs[0]] });
  }
  const gone = new Set(pairs.values());
  const built = builder.build();
  // What makes the weights reads constants only, so it may stand first; the runtime computes it once.
  const nodes = [
    ...built.nodes.slice(graph.nodes.length),
    ...graph.nodes.filter((node) => !gone.has(node)).map((node) => replaced.get(node) ?? node),
  ];
  return { graph: { ...built, nodes }, facts: { ...facts, shapes, types } };
}

function foldedWeights(
  builder: GraphBuilder,
  facts: Facts,
  normalization: Node,
  { inputs: [, weight, bias] }: Node,
): [string, string] {
  const [, scale, shift, mean, variance] = normalization.inputs;
  const deviation = builder.op('Sqrt', [
    builder.op('Add', [variance, builder.scalar(floatAttribute(normalization, 'epsilon', 1e-5))]),
  ]);
  const factor = builder.op('Div', [scale, deviation]);
  const rank = facts.shapes.get(weight)?.length ?? 4;
  const byChannel = builder.op('Reshape', [factor, builder.ints([-1, ...new Array<number>(rank - 1).fill(1)])]);
  const centred = bias ? builder.op('Sub', [bias, mean]) : builder.op('Neg', [mean]);
  return [builder.op('Mul', [weight, byChannel]), builder.op('Add', [builder.op('Mul', [centred, factor]), shift])];
}
