import type { Graph, Initializer } from '../onnx/graph.ts';
import { readInitializer } from '../onnx/initializer.ts';
import { toNumbers } from '../tensor/convert.ts';
import { int64 } from '../tensor/tensor.ts';

/**
 * The graph for batches of any size: the first axis of its inputs is symbolic, declared types of inner values are
 * forgotten, and reshapes to `[1, …]`, which an export for one picture writes, keep the first axis as it is.
 *
 * Whether that is right for a model is for the caller to check by running it: an axis of size 1 need not be the batch.
 */
export function freeBatch(graph: Graph): Graph {
  const fixed = graph.inputs.some(({ shape }) => shape?.[0] === 1);
  const free = <V extends { readonly shape: Graph['inputs'][number]['shape'] }>(value: V): V =>
    value.shape?.length ? { ...value, shape: ['N', ...value.shape.slice(1)] } : value;
  const inputs = graph.inputs.map(free);
  const outputs = graph.outputs.map((output) => ({ ...output, shape: undefined }));
  if (!fixed) return { ...graph, inputs, outputs, values: new Map() };

  const targets = new Set(graph.nodes.flatMap((node) => (node.op === 'Reshape' ? [node.inputs[1]] : [])));
  const initializers = new Map<string, Initializer>();
  for (const [name, initializer] of graph.initializers) {
    const shape = targets.has(name) ? toNumbers(readInitializer(initializer)) : [];
    if (shape.length < 2 || shape[0] !== 1) initializers.set(name, initializer);
    else {
      const tensor = int64([shape.length], [0, ...shape.slice(1)]);
      initializers.set(name, { name, type: 'int64', shape: [shape.length], location: { kind: 'memory', tensor } });
    }
  }
  return { ...graph, inputs, outputs, initializers, values: new Map() };
}
