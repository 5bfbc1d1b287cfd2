import { GraphBuilder } from '../onnx/builder.ts';
import { type Runtime, throwIfCancelled } from '../runtime/runtime.ts';
import { float32, int64, type Tensor } from '../tensor/tensor.ts';
import { checkColumns, type Matrix, rowOf } from './matrix.ts';

/** The nearest rows of each query, the nearest first; equal distances by position. */
export interface Neighbours {
  readonly count: number;
  /** queries × count: positions of rows. */
  readonly indices: Uint32Array;
  /** queries × count: Euclidean distances, in float64. */
  readonly distances: Float64Array;
}

export interface NeighbourOptions {
  /** Whether queries and rows are the same, and no row is its own neighbour. Default false. */
  readonly exceptSelf?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Numbers of a block of distances, so that it stays small beside the rows. */
const blockNumbers = 2 ** 23;

/** Neighbours beyond those asked for, because distances in float32 may leave out one that is equal but for rounding. */
const spare = 4;

/**
 * The `k` nearest rows of every query, by every distance: a product of matrices and the largest of each line, run by the
 * runtime in float32, and the distances of what it found computed again in float64.
 * @param k at most the number of rows
 */
export async function nearestNeighbours(
  runtime: Runtime,
  queries: Matrix,
  rows: Matrix,
  k: number,
  { exceptSelf = false, signal, onProgress }: NeighbourOptions = {},
): Promise<Neighbours> {
  checkColumns(queries, rows);
  const count = Math.max(0, Math.min(k, rows.rows - (exceptSelf ? 1 : 0)));
  const found = Math.min(rows.rows, count + (exceptSelf ? 1 : 0) + spare);
  const indices = new Uint32Array(queries.rows * count);
  const distances = new Float64Array(queries.rows * count);
  if (count === 0 || queries.rows === 0) return { count, indices, distances };
  // Less the mean of the rows: ‖q‖² + ‖r‖² − 2 q·r then cancels less.
  const mean = meanRow(rows);
  const size = Math.max(1, Math.min(queries.rows, Math.floor(blockNumbers / rows.rows)));
  const session = await runtime.open(searchModel(centred(rows, 0, rows.rows, mean), rows.columns, found));
  try {
    for (let first = 0; first < queries.rows; first += size) {
      throwIfCancelled(signal);
      const block = Math.min(size, queries.rows - first);
      const feeds = new Map<string, Tensor>([
        ['queries', float32([block, rows.columns], centred(queries, first, block, mean))],
      ]);
      const nearest = (await session.run(feeds, ['nearest'])).get('nearest') as Tensor<'int64'>;
      for (let q = 0; q < block; q++) {
        const candidates = Array.from(nearest.data.subarray(q * found, (q + 1) * found), (row) => {
          const index = Number(row);
          return { index, distance: distance(rowOf(queries, first + q), rowOf(rows, index)) };
        });
        const kept = candidates
          .filter(({ index }) => !(exceptSelf && index === first + q))
          .sort((a, b) => a.distance - b.distance || a.index - b.index);
        for (let j = 0; j < count; j++) {
          indices[(first + q) * count + j] = kept[j].index;
          distances[(first + q) * count + j] = kept[j].distance;
        }
      }
      onProgress?.(first + block, queries.rows);
    }
  } finally {
    await session.release();
  }
  return { count, indices, distances };
}

/** `nearest = TopK(‖r‖² − 2 q·r)`, smallest first; ‖q‖² is the same for all rows of a query. */
function searchModel(rows: Float32Array, columns: number, found: number) {
  const builder = new GraphBuilder();
  const count = rows.length / columns;
  builder.input('queries', 'float32', ['N', columns]);
  const squares = new Float32Array(count);
  const turned = new Float32Array(rows.length);
  for (let i = 0; i < count; i++) {
    let sum = 0;
    for (let j = 0; j < columns; j++) {
      const value = rows[i * columns + j];
      sum += value * value;
      turned[j * count + i] = -2 * value;
    }
    squares[i] = sum;
  }
  const products = builder.op('MatMul', ['queries', builder.constant(float32([columns, count], turned))]);
  const scores = builder.op('Add', [products, builder.constant(float32([1, count], squares))]);
  const [, nearest] = builder.ops(
    'TopK',
    [scores, builder.constant(int64([1], [found]))],
    { axis: -1, largest: 0, sorted: 1 },
    { outputs: ['scores', 'nearest'] },
  );
  builder.output(nearest, 'int64', ['N', found]);
  return {
    irVersion: 9,
    producer: 'wherefore',
    opsets: new Map([['', 20]]),
    graph: builder.build(),
    functions: [],
    metadata: new Map(),
  };
}

function meanRow(rows: Matrix): Float64Array {
  const mean = new Float64Array(rows.columns);
  for (let i = 0; i < rows.rows; i++)
    for (let j = 0; j < rows.columns; j++) mean[j] += rows.data[i * rows.columns + j] / rows.rows;
  return mean;
}

function centred({ columns, data }: Matrix, first: number, count: number, mean: Float64Array): Float32Array {
  const result = new Float32Array(count * columns);
  for (let i = 0; i < count; i++)
    for (let j = 0; j < columns; j++) result[i * columns + j] = data[(first + i) * columns + j] - mean[j];
  return result;
}

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) {
    const difference = a[j] - b[j];
    sum += difference * difference;
  }
  return Math.sqrt(sum);
}
