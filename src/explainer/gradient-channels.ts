import type { GraphBuilder } from '../onnx/builder.ts';
import { readInitializer } from '../onnx/initializer.ts';
import { renameNode } from '../onnx/lowering/branches.ts';
import type { Value } from '../train/index.ts';
import { prefix } from './adapter.ts';
import { type ClassGradient, gradientClass } from './class-gradient.ts';
import type { Classifier } from './classifier.ts';

const small = 1e-12;

/**
 * What an adapter is told of the gradient `g_t = ∂f_c/∂x` at the points `μ + t·(x − μ)`, μ being every channel's mean
 * over the image: the channels `g_t ⊙ (x − μ)`, their sum over colours where there are several, and `g_t`, each kind
 * divided by its root mean square over the image, so that neither the model's scale nor its confidence matters.
 *
 * It is data to the adapter: no parameter of the adapter leads to it, so training does not differentiate it again.
 * @param label the class, int64 `[N]`
 * @returns `[N, channels, H, W]`
 */
export function gradientChannels(
  builder: GraphBuilder,
  gradient: ClassGradient,
  { input, layout, onnx }: Classifier,
  label: string,
  points: readonly number[],
): Value {
  const op = (name: string, inputs: readonly string[], attributes = {}) => builder.op(name, inputs, attributes);
  const spatial = layout.channelAxis === 1 ? [2, 3] : [1, 2];
  const mean = op('ReduceMean', [input, builder.ints(spatial)], { keepdims: 1 });
  const difference = op('Sub', [input, mean]);
  // Also where t = 1: passes over the same values would be merged with the model's own, whose bits that may change.
  const at = points.map((t) => op('Add', [mean, t === 1 ? difference : op('Mul', [difference, builder.scalar(t)])]));
  const stacked = (parts: readonly string[]) => (parts.length === 1 ? parts[0] : op('Concat', parts, { axis: 0 }));
  const whole = appendGradient(builder, gradient, onnx.graph, input, stacked(at), stacked(points.map(() => label)));
  const parts =
    points.length === 1
      ? [whole]
      : builder.ops('Split', [whole], { axis: 0, num_outputs: points.length }, { outputs: points.length });
  const first = (value: string) =>
    layout.channelAxis === 1 ? value : op('Transpose', [value], { perm: [0, 3, 1, 2] });
  const along = (values: readonly string[]) => (values.length === 1 ? values[0] : op('Concat', values, { axis: 1 }));
  const scaled = (value: string) => {
    const square = op('ReduceMean', [op('Mul', [value, value]), builder.ints([1, 2, 3])], { keepdims: 1 });
    return op('Div', [value, op('Sqrt', [op('Add', [square, builder.scalar(small)])])]);
  };
  const gradients = along(parts.map(first));
  const centred = first(difference);
  const products = parts.map((part) => op('Mul', [first(part), centred]));
  const channel = builder.ints([1]);
  const sums = layout.channels > 1 ? products.map((part) => op('ReduceSum', [part, channel], { keepdims: 1 })) : [];
  const kinds = [along(products), ...(sums.length ? [along(sums)] : []), gradients].map(scaled);
  const channels = points.length * (2 * layout.channels + (sums.length ? 1 : 0));
  return { name: along(kinds), shape: ['N', channels, layout.height, layout.width] };
}

/** Appends the nodes of the gradient for an image and a class of the graph; weights are those that it has already. */
function appendGradient(
  builder: GraphBuilder,
  { graph }: ClassGradient,
  model: Classifier['onnx']['graph'],
  input: string,
  image: string,
  label: string,
): string {
  const names = new Map([
    [input, image],
    [gradientClass, label],
  ]);
  for (const [name, initializer] of graph.initializers) {
    if (model.initializers.get(name) === initializer) continue;
    names.set(name, builder.initializer(builder.fresh(`gradient/${name}`), readInitializer(initializer)));
  }
  for (const node of graph.nodes) {
    for (const name of node.outputs) if (name) names.set(name, builder.fresh(`gradient/${name}`));
    builder.append({ ...renameNode(node, names), name: `${prefix}gradient/${node.name}` });
  }
  return names.get(graph.outputs[0].name) as string;
}
