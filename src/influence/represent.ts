import { batches } from '../dataset/batches.ts';
import type { Dataset } from '../dataset/dataset.ts';
import { WhereforeError } from '../errors.ts';
import { GraphBuilder } from '../onnx/builder.ts';
import { ancestorsOf, type Graph } from '../onnx/graph.ts';
import type { Model } from '../runtime/model.ts';
import { throwIfCancelled } from '../runtime/runtime.ts';
import { toNumbers } from '../tensor/convert.ts';
import { formatShape, sizeOf, type Tensor } from '../tensor/tensor.ts';
import { contentOf, contentWidth } from './content.ts';
import type { Matrix } from './matrix.ts';

/** What a model says of the rows of a data set. */
export interface Represented {
  /** The numbers of the output, read as probabilities of the classes: rows × classes. */
  readonly probabilities: Matrix;
  /** The values of the layer, averaged over positions where it has some; absent for a model without such a layer. */
  readonly embeddings?: Matrix;
  /** The rows themselves as numbers, see `contentOf`; absent where they exceed the budget. */
  readonly content?: Matrix;
}

export interface RepresentOptions {
  /** Output that tells the classes apart. */
  readonly output: string;
  /** A value of the graph. Default: {@link lastFeatures}; undefined where the model has none. */
  readonly layer: string | undefined;
  /** Probabilities of all classes from the numbers of one row. */
  readonly read: (numbers: readonly number[]) => readonly number[];
  /** Bytes that the contents of all rows may take to be kept. Default 512 MiB. */
  readonly contentBytes?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Operators that combine features with weights. */
const combining: ReadonlySet<string> = new Set(['MatMul', 'Gemm', 'Conv']);

/**
 * What the last layer of weights before an output reads: the representation that the model decides by. Undefined for a
 * model without weights in such a place, as an ensemble of trees.
 */
export function lastFeatures(graph: Graph, output: string): string | undefined {
  const before = ancestorsOf(graph, output);
  const isWeight = (name: string) => graph.initializers.has(name);
  const last = graph.nodes.findLast(
    (node) =>
      node.outputs.some((name) => before.has(name)) &&
      combining.has(node.op) &&
      node.inputs.some(isWeight) &&
      !isWeight(node.inputs[0]),
  );
  return last?.inputs[0];
}

/** Runs a model on every row. @throws WhereforeError `not-finite`, `wrong-shape` where the output has no batch axis, `cancelled` */
export async function represent(model: Model, dataset: Dataset, options: RepresentOptions): Promise<Represented> {
  const { output, layer, read, contentBytes = 512 * 2 ** 20, signal, onProgress } = options;
  const graph = withOutput(model.graph, layer);
  const total = dataset.length;
  const parts: { probabilities?: Rows; embeddings?: Rows; content?: Rows } = {};
  for await (const { indices, inputs } of batches(dataset, { size: model.rowsAtMost ?? 64 })) {
    throwIfCancelled(signal);
    const feeds = new Map(Object.entries(inputs));
    const results = await model.executor.run(graph, feeds, layer ? [output, layer] : [output], { signal });
    const scores = results.get(output) as Tensor;
    if (scores.shape[0] !== indices.length)
      throw new WhereforeError('wrong-shape', `output "${output}" does not have a row for each row of the data`, {
        got: formatShape(scores.shape),
        expected: `${indices.length}×classes`,
      });
    const numbers = toNumbers(scores);
    const width = numbers.length / indices.length;
    const probabilities = Array.from(indices, (_, i) => read(numbers.slice(i * width, (i + 1) * width)));
    parts.probabilities ??= rowsFor(total, probabilities[0].length);
    checkProbabilities(dataset, indices, probabilities);
    probabilities.forEach((row, i) => {
      parts.probabilities?.set(indices[i], row);
    });
    if (layer) {
      const values = overPositions(results.get(layer) as Tensor);
      parts.embeddings ??= rowsFor(total, values.columns);
      for (let i = 0; i < indices.length; i++)
        parts.embeddings.set(indices[i], values.data.subarray(i * values.columns, (i + 1) * values.columns));
    }
    if (contentWidth([...feeds.values()]) * total * 4 <= contentBytes) {
      const { columns, data } = contentOf(feeds);
      parts.content ??= rowsFor(total, columns);
      for (let i = 0; i < indices.length; i++)
        parts.content.set(indices[i], data.subarray(i * columns, (i + 1) * columns));
    }
    onProgress?.(indices[indices.length - 1] + 1, total);
  }
  if (!parts.probabilities) throw new WhereforeError('invalid-data', 'there are no rows', { where: dataset.name });
  return {
    probabilities: parts.probabilities.matrix,
    ...(parts.embeddings && { embeddings: parts.embeddings.matrix }),
    ...(parts.content && { content: parts.content.matrix }),
  };
}

/** @throws WhereforeError `not-finite` with the row */
function checkProbabilities(dataset: Dataset, indices: ArrayLike<number>, rows: readonly (readonly number[])[]): void {
  const bad = rows.findIndex((row) => !row.every(Number.isFinite));
  if (bad >= 0)
    throw new WhereforeError('not-finite', 'the model gives no probabilities for a row', {
      where: dataset.describe(indices[bad]),
      got: rows[bad].slice(0, 4).join(', '),
      fix: 'fix or leave out the row, or look for weights of the model that are not finite',
    });
}

interface Rows {
  readonly matrix: Matrix;
  set(row: number, values: ArrayLike<number>): void;
}

function rowsFor(rows: number, columns: number): Rows {
  const data = new Float32Array(rows * columns);
  return { matrix: { rows, columns, data }, set: (row, values) => data.set(values, row * columns) };
}

/** The graph with a value among its outputs. */
export function withOutput(graph: Graph, layer: string | undefined): Graph {
  if (!layer || graph.outputs.some(({ name }) => name === layer)) return graph;
  const builder = new GraphBuilder(graph);
  builder.output(layer, 'float32', undefined);
  return builder.build();
}

/** The values of rows × channels × positions…, or rows × positions × channels, averaged over positions. */
export function overPositions(values: Tensor): { readonly data: Float32Array; readonly columns: number } {
  const numbers = toNumbers(values);
  const [rows, ...rest] = values.shape;
  const size = sizeOf(rest);
  if (rest.length < 2) return { data: Float32Array.from(numbers), columns: size };
  // Of images channels come first; of texts (three axes) they come last.
  const channels = rest.length === 2 ? rest[1] : rest[0];
  const positions = size / channels;
  const data = new Float32Array(rows * channels);
  for (let i = 0; i < rows; i++) {
    for (let p = 0; p < positions; p++) {
      for (let c = 0; c < channels; c++) {
        const at = rest.length === 2 ? p * channels + c : c * positions + p;
        data[i * channels + c] += numbers[i * size + at] / positions;
      }
    }
  }
  return { data, columns: channels };
}
