import { toNumbers } from '../../tensor/convert.ts';
import { int64 } from '../../tensor/tensor.ts';
import type { Graph, Initializer } from '../graph.ts';
import { readInitializer } from '../initializer.ts';

/**
 * The graph for batches of any size: the first axis of its inputs is symbolic, declared types of inner values are
 * forgotten, and reshapes to `[size, …]`, which an export for so many rows writes, keep the first axis as it is (for
 * several rows: leave it open where no other axis is).
 *
 * Whether that is right for a model is for the caller to check by running it: an axis of that size need not be the batch.
 * @param size rows that the graph was made for; default 1
 */
export function freeBatch(graph: Graph, size = 1): Graph {
  const fixed = graph.inputs.some(({ shape }) => shape?.[0] === size);
  const free = <V extends { readonly shape: Graph['inputs'][number]['shape'] }>(value: V): V =>
    value.shape?.length ? { ...value, shape: ['N', ...value.shape.slice(1)] } : value;
  const inputs = graph.inputs.map(free);
  const outputs = graph.outputs.map((output) => ({ ...output, shape: undefined }));
  if (!fixed) return { ...graph, inputs, outputs, values: new Map() };

  const targets = new Set(graph.nodes.flatMap((node) => (node.op === 'Reshape' ? [node.inputs[1]] : [])));
  const initializers = new Map<string, Initializer>();
  for (const [name, initializer] of graph.initializers) {
    const shape = targets.has(name) ? toNumbers(readInitializer(initializer)) : [];
    if (shape.length < 2 || shape[0] !== size) initializers.set(name, initializer);
    else {
      const first = size > 1 && !shape.includes(-1) && !shape.includes(0) ? -1 : 0;
      const tensor = int64([shape.length], [first, ...shape.slice(1)]);
      initializers.set(name, { name, type: 'int64', shape: [shape.length], location: { kind: 'memory', tensor } });
    }
  }
  return { ...graph, inputs, outputs, initializers, values: new Map() };
}
