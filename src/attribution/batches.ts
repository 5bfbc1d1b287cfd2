import type { Facts } from '../autodiff/facts.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { type Graph, operatorKey } from '../onnx/graph.ts';
import { traitsOf } from '../onnx/operators.ts';
import type { Tensors } from '../runtime/runtime.ts';
import { memo, namedMemo } from '../tensor/memo.ts';
import { byteLength, concatRows, dataTypes, rows, sizeOf, type Tensor } from '../tensor/tensor.ts';
import { type PointSource, type Points, repeatRows } from './points.ts';

/**
 * Takes points in batches, in order. Twice as many are under way as the runtime works on at once: while it computes, the
 * next are made, and no stream waits for another one whose result is read before its own.
 * @param streams batches that the runtime works on at once
 */
export async function inBatches<T>(
  count: number,
  size: number,
  begin: (start: number, end: number) => Promise<T>,
  finish: (start: number, end: number, result: T) => void,
  streams = 1,
): Promise<void> {
  const underWay: { readonly start: number; readonly end: number; readonly result: Promise<T> }[] = [];
  const finishFirst = async () => {
    const { start, end, result } = underWay.shift() as (typeof underWay)[number];
    finish(start, end, await result);
  };
  for (let start = 0; start < count; start += size) {
    const end = Math.min(start + size, count);
    const result = begin(start, end);
    // Awaited in a later round; until then an error of a batch before it may end the loop.
    result.catch(() => undefined);
    underWay.push({ start, end, result });
    if (underWay.length >= 2 * streams) await finishFirst();
  }
  while (underWay.length) await finishFirst();
}

/**
 * Whether rows of a batch change each other whatever they hold: the steps in which an activation is rounded follow from
 * the range of all rows. Two points that agree are no proof for others.
 */
const mixesRows: (graph: Graph) => boolean = memo((graph: Graph) =>
  graph.nodes.some((node) => traitsOf(operatorKey(node)).mixesRows === true),
);

/** Bytes of one point's largest value beyond which more points in a run gain nothing: they leave the caches. */
const cached = 4 * 2 ** 20;

/**
 * How many points one run may take: as many as keep the largest value in the processor's caches, within the byte budget,
 * which counts inputs and all that is computed of them. One where rows of a batch change each other.
 * @param facts of the graph at one point
 */
export function mostPoints(graph: Graph, facts: Facts, budget: number): number {
  if (mixesRows(graph)) return 1;
  const bytesOf = (name: string) => {
    const type = facts.types.get(name);
    return type ? sizeOf(facts.shapes.get(name) ?? []) * dataTypes[type].bytes : 0;
  };
  let [whole, largest] = [0, 1];
  for (const { name } of graph.inputs) whole += bytesOf(name);
  for (const node of graph.nodes) {
    for (const name of node.outputs) {
      const bytes = bytesOf(name);
      whole += bytes;
      largest = Math.max(largest, bytes);
    }
  }
  // Forward values live until the backward pass has used them, and gradients are as large as they are.
  return Math.max(1, Math.min(Math.floor(budget / (2 * whole + 1)), Math.ceil(cached / largest)));
}

/**
 * The largest divisor of `count` not far below `most`, so that the last batch has the shape of the others.
 * @param streams batches that run at once: a number of batches that they share without a rest goes before a larger size
 */
export function even(count: number, most: number, streams = 1): number {
  const largest = Math.min(count, most);
  for (let size = largest; streams > 1 && size >= most / 2; size--) if (count % (size * streams) === 0) return size;
  for (let size = largest; size > most / 2; size--) if (count % size === 0) return size;
  return largest;
}

/**
 * The size of the fewest runs that the streams share without a rest; all runs have it, and the last is filled up with
 * less than a point for each of them.
 */
export function shared(count: number, most: number, streams: number): number {
  const fewest = Math.ceil(count / most);
  return fewest <= 1 ? count : Math.ceil(count / (Math.ceil(fewest / streams) * streams));
}

/**
 * One of few sizes for the runs of any number of points: eight from one power of two to the next. All runs have it; the
 * last is filled up, by an eighth of a run or less where there is one.
 */
export function fewSizes(count: number, most: number): number {
  const limit = most - (most % stepAt(most));
  const share = Math.ceil(count / Math.ceil(count / limit));
  return Math.ceil(share / stepAt(share)) * stepAt(share);
}

/** How far sizes lie apart: 1 up to 16, then an eighth of the power of two below. */
const stepAt = (size: number): number => Math.max(1, 2 ** (Math.floor(Math.log2(size)) - 3));

/** Points `start` to `end`; past the last, the last one again. */
export function filledUp(points: Points, start: number, end: number): Tensors {
  const last = Math.min(end, points.count);
  const held = points.at(start, last);
  if (last === end) return held;
  return new Map(
    [...held].map(([name, tensor]) => {
      const rowsOf = tensor.shape[0] / (last - start);
      const row = rows(tensor, tensor.shape[0] - rowsOf, tensor.shape[0]);
      return [name, concatRows([tensor, repeatRows(row, end - last)])];
    }),
  );
}

/** The values of the first `held` of `count` points. */
export function firstOf(values: Tensors, held: number, count: number): Map<string, Tensor> {
  return new Map([...values].map(([name, tensor]) => [name, rows(tensor, 0, (tensor.shape[0] / count) * held)]));
}

/** Bytes of tensors together. */
export function bytesIn(tensors: Tensors): number {
  let bytes = 0;
  for (const tensor of tensors.values()) bytes += byteLength(tensor);
  return bytes;
}

const sourceParts = namedMemo<Graph, Graph>();

/** The part with its cut computed by the nodes of a source instead of given. Sessions are kept by graph, so it is kept. */
export function sourcePart(part: Graph, { cut }: Points, source: PointSource): Graph {
  return sourceParts(part, source.key, () => {
    const inputs = part.inputs.filter(({ name }) => !cut.includes(name));
    const builder = new GraphBuilder({ ...part, inputs }, { prefix: 'points/' });
    source.append(builder);
    const graph = builder.build();
    const own = graph.nodes.slice(part.nodes.length);
    return { ...graph, nodes: [...own, ...part.nodes] };
  });
}
