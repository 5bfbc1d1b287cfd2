import type { Tensors } from '../../runtime/runtime.ts';
import { filled } from '../../tensor/filled.ts';
import { type Random, random } from '../../tensor/random.ts';
import { float32, sizeOf, stridesOf, type Tensor, tensor } from '../../tensor/tensor.ts';
import type { InputLayout } from '../baseline.ts';
import type { Points } from '../points.ts';
import { maskBudget } from './mask-budget.ts';
import { type MethodContext, type MethodResult, onlyReference, type Reference, sumOf } from './method.ts';
import { appended, errorOfMean, isSure, type Sureness, surenessOf, triesOf } from './sureness.ts';

/** Soft masks over the values of a layer: 1 shows an element, 0 replaces it by the baseline. */
export interface Masks {
  readonly count: number;
  /** Mask k of a value, one number an element of `shape`. */
  at(k: number, name: string): Float32Array;
  /** Shape of a value's mask: the value's own, with 1 where all elements along an axis share theirs. */
  shape(name: string): readonly number[];
}

/** `x ⊙ M_k + x0 ⊙ (1 − M_k)` for every mask; what is not a number is shown where the mask is at least ½. */
export function maskedPoints(features: Tensors, reference: Reference, masks: Masks, names: readonly string[]): Points {
  const parts = names.map((name) => {
    const whole = features.get(name) as Tensor;
    const absent = (reference.features.get(name) ?? reference.inputs.get(name)) as Tensor;
    return { name, whole, absent, spread: spreadIndices(whole.shape, masks.shape(name)) };
  });
  return {
    cut: names,
    count: masks.count,
    fresh: true,
    at: (start, end) =>
      new Map(
        parts.map(({ name, whole, absent, spread }) => {
          const { type, shape } = whole;
          const joined = tensor(type, [(shape[0] ?? 1) * (end - start), ...shape.slice(1)]);
          const values = joined.data as Float32Array;
          for (let k = start; k < end; k++) {
            const row = values.subarray((k - start) * spread.length, (k - start + 1) * spread.length);
            blend(row, whole, absent, masks.at(k, name), spread);
          }
          return [name, joined];
        }),
      ),
  };
}

function blend(row: Float32Array, whole: Tensor, absent: Tensor, mask: Float32Array, spread: Uint32Array): void {
  const [present, hidden] = [whole.data, absent.data] as Float32Array[];
  const isNumber = whole.type === 'float32';
  for (let i = 0; i < spread.length; i++) {
    const shown = mask[spread[i]];
    if (shown === 1) row[i] = present[i];
    else if (isNumber) row[i] = hidden[i] + shown * (present[i] - hidden[i]);
    else row[i] = shown >= 0.5 ? present[i] : hidden[i];
  }
}

/** For each element of `shape` its place in a mask of shape `narrow`. */
export function spreadIndices(shape: readonly number[], narrow: readonly number[]): Uint32Array {
  const [strides, narrowStrides] = [stridesOf(shape), stridesOf(narrow)];
  return filled(new Uint32Array(sizeOf(shape)), (i) =>
    shape.reduce(
      (at, size, axis) => at + (narrow[axis] === 1 ? 0 : (Math.floor(i / strides[axis]) % size) * narrowStrides[axis]),
      0,
    ),
  );
}

/** Shape of a mask over the axes of space alone. */
export function spatialMaskShape(shape: readonly number[], { spatialAxes = [] }: InputLayout): number[] {
  return shape.map((size, axis) => (spatialAxes.includes(axis) ? size : 1));
}

export interface RandomMaskOptions {
  readonly samples: number;
  /** Cells a side of the coarse grid. */
  readonly cells: number;
  /** Probability that a cell (a group) is shown. */
  readonly shown: number;
  readonly seed: number;
}

/**
 * RISE's masks: where a layer has rows and columns and no groups are named, a coarse grid of random cells, enlarged
 * bilinearly and shifted by a random part of a cell; else whole groups. Mask k is the same whatever runs beside it.
 * @param skipped masks before the first
 */
export function randomMasks(context: MethodContext, options: RandomMaskOptions, skipped = 0): Masks {
  const { features, layouts, layer, partition, hasGroups } = context;
  const isGrid = (name: string) => !hasGroups && layouts.get(name)?.spatialAxes?.length === 2;
  const shape = (name: string) => {
    const own = (features.get(name) as Tensor).shape;
    return isGrid(name) ? spatialMaskShape(own, layouts.get(name) as InputLayout) : own;
  };
  return {
    count: options.samples,
    shape,
    at(index, name) {
      const k = skipped + index;
      const source = random(options.seed, k * (layer.length + 1) + 1 + layer.indexOf(name));
      if (isGrid(name)) {
        const [rows, columns] = (layouts.get(name)?.spatialAxes ?? []).map(
          (axis) => (features.get(name) as Tensor).shape[axis],
        );
        return gridMask(rows, columns, options, source);
      }
      // Groups go on through several values: every value draws the same bits.
      const bits = random(options.seed, k * (layer.length + 1));
      const held = filled(new Uint8Array(partition.count), () => (bits.uniform() < options.shown ? 1 : 0));
      const groups = partition.of.get(name) as Int32Array;
      // A loop: `Float32Array.from` with a function takes far longer for a million elements.
      const mask = new Float32Array(groups.length);
      for (let i = 0; i < mask.length; i++) mask[i] = groups[i] < 0 ? 1 : held[groups[i]];
      return mask;
    },
  };
}

function gridMask(rows: number, columns: number, { cells, shown }: RandomMaskOptions, source: Random): Float32Array {
  const grid = filled(new Float32Array(cells * cells), () => (source.uniform() < shown ? 1 : 0));
  const [high, wide] = [Math.ceil(rows / cells), Math.ceil(columns / cells)];
  const [top, left] = [source.integer(high), source.integer(wide)];
  const large = resizeBilinear(grid, cells, cells, (cells + 1) * high, (cells + 1) * wide);
  const width = (cells + 1) * wide;
  const mask = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      mask[row * columns + column] = large[(row + top) * width + column + left];
  return mask;
}

/** Bilinear with half-pixel centres; beyond the border the outermost value goes on. */
export function resizeBilinear(
  values: ArrayLike<number>,
  rows: number,
  columns: number,
  newRows: number,
  newColumns: number,
): Float32Array {
  const result = new Float32Array(newRows * newColumns);
  const place = (i: number, size: number, newSize: number) =>
    Math.min(size - 1, Math.max(0, ((i + 0.5) * size) / newSize - 0.5));
  for (let r = 0; r < newRows; r++) {
    const y = place(r, rows, newRows);
    const [y0, y1] = [Math.floor(y), Math.min(rows - 1, Math.floor(y) + 1)];
    for (let c = 0; c < newColumns; c++) {
      const x = place(c, columns, newColumns);
      const [x0, x1] = [Math.floor(x), Math.min(columns - 1, Math.floor(x) + 1)];
      const upper = values[y0 * columns + x0] * (1 - (x - x0)) + values[y0 * columns + x1] * (x - x0);
      const lower = values[y1 * columns + x0] * (1 - (x - x0)) + values[y1 * columns + x1] * (x - x0);
      result[r * newColumns + c] = upper * (1 - (y - y0)) + lower * (y - y0);
    }
  }
  return result;
}

/** `Σ_k weight_k M_k / (N p)`: how well the model did while an element was shown; with its standard error. */
export function weightedMasks(
  masks: Masks,
  weights: ArrayLike<number>,
  shown: number,
  names: readonly string[],
): Pick<MethodResult, 'values' | 'sum'> & Sureness {
  const [values, errors] = [new Map<string, Tensor<'float32'>>(), new Map<string, Tensor<'float32'>>()];
  const { count } = masks;
  for (const name of names) {
    const shape = masks.shape(name);
    const [sum, squares] = [new Float64Array(sizeOf(shape)), new Float64Array(sizeOf(shape))];
    for (let k = 0; k < count; k++) {
      const mask = masks.at(k, name);
      for (let i = 0; i < sum.length; i++) {
        const one = weights[k] * mask[i];
        sum[i] += one / (count * shown);
        squares[i] += one * one;
      }
    }
    values.set(name, float32(shape, sum));
    if (count < 2) continue;
    errors.set(
      name,
      float32(
        shape,
        sum.map((mean, i) => errorOfMean(mean * count, squares[i] / (shown * shown), count)),
      ),
    );
  }
  const sum = sumOf([...values.values()].map(({ data }) => data));
  return count < 2 ? { values, sum } : { values, sum, ...surenessOf(values, errors) };
}

export interface MaskSampling extends Omit<RandomMaskOptions, 'samples'> {
  readonly samples?: number;
  readonly maxSamples: number;
  readonly tolerance: number;
}

/**
 * Runs so many masks, and twice as many again while they are not sure enough.
 * @param weigh the weights of masks `start` to `end`
 */
export async function sampledMasks(
  context: MethodContext,
  { samples, maxSamples, tolerance, ...options }: MaskSampling,
  weigh: (points: Points) => Promise<Float64Array>,
): Promise<MethodResult & { readonly weights: Float64Array }> {
  const tries = triesOf(maskBudget({ maxSamples, tolerance }), samples);
  let weights: Float64Array = new Float64Array(0);
  for (let k = 0; ; k++) {
    const more = randomMasks(context, { ...options, samples: tries[k] - weights.length }, weights.length);
    const points = maskedPoints(context.features, onlyReference(context), more, context.layer);
    weights = appended(weights, await weigh(points));
    const all = randomMasks(context, { ...options, samples: weights.length });
    const result = weightedMasks(all, weights, options.shown, context.layer);
    if (k + 1 === tries.length || isSure(result.relativeStandardError, tolerance)) {
      return { ...result, weights, chosen: samples === undefined ? { samples: weights.length } : undefined };
    }
  }
}
