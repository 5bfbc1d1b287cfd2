import { WhereforeError } from '../errors.ts';
import type { GraphBuilder } from '../onnx/builder.ts';
import type { Tensors } from '../runtime/runtime.ts';
import { concatRows, type DataType, float32, formatShape, rows, sameShape, type Tensor } from '../tensor/tensor.ts';

/** Points at which a target is evaluated. */
export interface Points {
  /** Values that are given instead of computed, one row a point: `count` × the value's own shape. */
  readonly cut: readonly string[];
  readonly count: number;
  /** The given values at points `start` to `end`. */
  at(start: number, end: number): Tensors;
  /** Whether every call of `at` makes its float32 values anew, so that who asked may give them away; default false. */
  readonly fresh?: boolean;
  /** A shorter way to the same values, taken where many points fit into one run. */
  readonly source?: PointSource;
}

/** Lets the graph compute the points itself, from feeds that are smaller than the points are. */
export interface PointSource {
  /** The same for sources that append the same nodes. */
  readonly key: string;
  /** How many points come from one row of the feeds: the samples of a baseline. */
  readonly pointsPerRow: number;
  /** What rows `start` to `end` are computed from; those past the last may hold anything. */
  feeds(start: number, end: number): Tensors;
  /** Appends the nodes that compute the values of the cut, under their names. */
  append(builder: GraphBuilder): void;
}

/** Types that the runtime's `Where` takes: what a {@link PointSource} can select from. */
export const selectable: ReadonlySet<DataType> = new Set(['float32', 'float64', 'int32', 'int64', 'uint8']);

/** The same rows again and again. */
export function repeatRows(tensor: Tensor, count: number): Tensor {
  return count === 1 ? tensor : concatRows(Array.from({ length: count }, () => tensor));
}

/** So many points given as a whole, one after the other: of each value one row, or as many as it has at one point. */
export function pointsOf(values: Tensors, count: number): Points {
  const part = (tensor: Tensor, start: number, end: number) => {
    const height = tensor.shape[0] / count;
    return rows(tensor, start * height, end * height);
  };
  return {
    cut: [...values.keys()],
    count,
    at: (start, end) => new Map([...values].map(([name, tensor]) => [name, part(tensor, start, end)])),
  };
}

/** The input itself as the only point. */
export function pointOf(values: Tensors): Points {
  return { cut: [...values.keys()], count: 1, at: () => values };
}

/**
 * Points `F0 + t_k (F1 − F0)` on the straight path between two sets of values, computed when they are asked for, so
 * that memory does not grow with their number.
 */
export function pathPoints(from: Tensors, to: Tensors, positions: Float64Array): Points {
  return {
    cut: [...to.keys()],
    count: positions.length,
    fresh: true,
    at: (start, end) =>
      new Map(
        [...to].map(([name, end1]) => {
          const start0 = from.get(name) as Tensor;
          if (!sameShape(start0.shape, end1.shape)) {
            throw new WhereforeError('wrong-shape', `"${name}" at the baseline and at the input differ in shape`, {
              got: formatShape(start0.shape),
              expected: formatShape(end1.shape),
            });
          }
          return [name, interpolate(start0, end1, positions.subarray(start, end))];
        }),
      ),
  };
}

function interpolate(from: Tensor, to: Tensor, positions: Float64Array): Tensor {
  // Integer inputs (token ids, masks) have no points between: they stay what they are at the input.
  if (to.type !== 'float32') return repeatRows(to, positions.length);
  const size = from.data.length;
  const values = new Float32Array(size * positions.length);
  for (const [k, t] of positions.entries()) {
    fillBetween(values.subarray(k * size, (k + 1) * size), from.data as Float32Array, to.data as Float32Array, t);
  }
  return float32([positions.length * (to.shape[0] ?? 1), ...to.shape.slice(1)], values);
}

/** A function of its own: the loop is compiled once for all points. */
function fillBetween(point: Float32Array, from: Float32Array, to: Float32Array, t: number): void {
  for (let i = 0; i < point.length; i++) point[i] = from[i] + t * (to[i] - from[i]);
}
