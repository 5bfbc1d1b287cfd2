import type { Facts } from '../autodiff/facts.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import type { Graph } from '../onnx/graph.ts';
import type { Tensors } from '../runtime/runtime.ts';
import { byteLength, dataTypes, sizeOf } from '../tensor/tensor.ts';
import type { PointSource, Points } from './points.ts';

/**
 * Takes points in batches, in order. Two batches are under way at a time: while the runtime computes one, the next is
 * made, and while its result is read the runtime has work.
 */
export async function inBatches<T>(
  count: number,
  size: number,
  begin: (start: number, end: number) => Promise<T>,
  finish: (start: number, end: number, result: T) => void,
): Promise<void> {
  let before: { readonly start: number; readonly end: number; readonly result: Promise<T> } | undefined;
  for (let start = 0; start < count; start += size) {
    const end = Math.min(start + size, count);
    const result = begin(start, end);
    // Awaited in the next round; until then an error of the batch before it may end the loop.
    result.catch(() => undefined);
    if (before) finish(before.start, before.end, await before.result);
    before = { start, end, result };
  }
  if (before) finish(before.start, before.end, await before.result);
}

/** Bytes of one point's largest value beyond which more points in a run gain nothing: they leave the caches. */
const cached = 4 * 2 ** 20;

/**
 * How many points one run takes: as many as keep the largest value in the processor's caches, within the byte budget.
 * @param facts of the graph at one point
 */
export function batchSize(graph: Graph, facts: Facts, budget: number, count: number): number {
  let [whole, largest] = [0, 1];
  for (const node of graph.nodes) {
    for (const name of node.outputs) {
      const type = facts.types.get(name);
      if (!type) continue;
      const bytes = sizeOf(facts.shapes.get(name) ?? []) * dataTypes[type].bytes;
      whole += bytes;
      largest = Math.max(largest, bytes);
    }
  }
  // Forward values live until the backward pass has used them, and gradients are as large as they are.
  const most = Math.min(count, Math.floor(budget / (2 * whole + 1)), Math.ceil(cached / largest));
  return even(count, Math.max(1, most));
}

/** The largest divisor of `count` not far below `most`, so that the last batch has the shape of the others. */
export function even(count: number, most: number): number {
  const largest = Math.min(count, most);
  for (let size = largest; size > most / 2; size--) if (count % size === 0) return size;
  return largest;
}

/** Bytes of tensors together. */
export function bytesIn(tensors: Tensors): number {
  let bytes = 0;
  for (const tensor of tensors.values()) bytes += byteLength(tensor);
  return bytes;
}

const sourceParts = new WeakMap<Graph, Map<string, Graph>>();

/** The part with its cut computed by the nodes of a source instead of given. Sessions are kept by graph, so it is kept. */
export function sourcePart(part: Graph, { cut }: Points, source: PointSource): Graph {
  let known = sourceParts.get(part);
  if (!known) sourceParts.set(part, (known = new Map()));
  let whole = known.get(source.key);
  if (whole) return whole;
  const inputs = part.inputs.filter(({ name }) => !cut.includes(name));
  const builder = new GraphBuilder({ ...part, inputs }, { prefix: 'points/' });
  source.append(builder);
  const graph = builder.build();
  const own = graph.nodes.slice(part.nodes.length);
  known.set(source.key, (whole = { ...graph, nodes: [...own, ...part.nodes] }));
  return whole;
}
