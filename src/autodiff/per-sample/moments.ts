import { float32, sizeOf } from '../../tensor/tensor.ts';
import type { RuleContext } from '../context.ts';
import type { Convolution } from '../rules/convolution-input.ts';
import { channelsInFront, padded, unfolded } from '../rules/unfold.ts';
import { type Factor, type FactorPair, product, type Written, written } from './factors.ts';
import { linesOverlap, momentsByLines } from './window-moments.ts';

/** Windows as the columns of one matrix over all rows, `[channels · taps, N · T]`; not for groups. */
function columnsOf(c: RuleContext, value: string, conv: Convolution): string {
  const { batch, channels, kernel, narrow } = conv;
  const windows = unfolded(c, channelsInFront(c, padded(c, value, conv), conv), [channels, batch], conv);
  return c.reshape(windows, [channels * sizeOf(kernel), batch * sizeOf(narrow)]);
}

/** Weights of the positions of a side, `[N, 1, T]` or `[N, T, 1]`, where rows or tokens do not count alike. */
export interface PositionWeights {
  /** `[N, T]`. */
  readonly value: string;
  /** `[N]`, where the positions of a row count alike; from 0. */
  readonly rows?: string;
}

/** Sums over rows and positions of one side of a pair. */
export interface Moments {
  /** `Σ w u uᵀ`, `[width, width]`; for one-hot factors its diagonal, `[width]`. */
  readonly square: string;
  /** `Σ w u`, `[width]`. */
  readonly sum: () => string;
}

/** Second (and first) moments of one side, with weights w of rows and positions; windows are unfolded once for both. */
export function momentsOf(
  c: RuleContext,
  pair: FactorPair,
  side: 'first' | 'second',
  weights: PositionWeights | undefined,
): Moments {
  const factor = pair[side];
  const { rows, positions, groups } = pair;
  const count = rows * positions;
  if (factor.kind === 'one-hot') {
    const ones = weights
      ? c.reshape(weights.value, [count])
      : c.constantTensor(float32([count], new Float32Array(count).fill(1)));
    const counts = c.op('ScatterElements', [c.zeros([factor.width]), c.reshape(factor.indices, [count]), ones], {
      axis: 0,
      reduction: 'add',
    });
    return { square: counts, sum: () => counts };
  }
  if (factor.kind === 'patches' && groups === 1 && (!weights || weights.rows))
    return windowMoments(c, factor, pair, weights?.rows);
  if (factor.kind === 'rows' && factor.order === 'first' && groups === 1 && !weights && 2 * factor.width <= positions)
    return momentsByRow(c, factor);
  const isSplit = factor.kind === 'rows' && groups > 1;
  const columns =
    factor.kind === 'patches' && groups === 1
      ? columnsOf(c, factor.value, factor.conv)
      : asColumns(c, written(c, factor), isSplit ? { ...pair, groups: 1 } : pair);
  const weighted = weights
    ? c.mul(columns, columnWeights(c, weights, isSplit ? { ...pair, groups: 1 } : pair))
    : columns;
  return {
    square: isSplit ? blockDiagonal(c, factor, pair, weights) : c.op('Gemm', [weighted, columns], { transB: 1 }),
    sum: () => c.reduceSum(weighted, [1], false),
  };
}

/**
 * Moments of windows. Weights of rows are put on the image before it is unfolded, √w on both sides, so that the windows,
 * nine times as large, are written once.
 */
function windowMoments(
  c: RuleContext,
  { value, conv }: Extract<Factor, { kind: 'patches' }>,
  { rows, positions }: FactorPair,
  weights: string | undefined,
): Moments {
  const root = weights && c.op('Sqrt', [weights]);
  const scaled = root ? c.mul(value, c.reshape(root, [rows, 1, ...conv.kernel.map(() => 1)])) : value;
  if (linesOverlap(conv)) return momentsByLines(c, scaled, conv, root);
  const columns = columnsOf(c, scaled, conv);
  const count = rows * positions;
  const ofColumns = root && c.reshape(c.expand(c.reshape(root, [rows, 1]), [rows, positions]), [count, 1]);
  return {
    square: c.op('Gemm', [columns, columns], { transB: 1 }),
    sum: () =>
      ofColumns
        ? c.reshape(c.op('MatMul', [columns, ofColumns]), [conv.channels * sizeOf(conv.kernel)])
        : c.reduceSum(columns, [1], false),
  };
}

/** Few channels and many positions: a product for every row, so that nothing is transposed. */
function momentsByRow(c: RuleContext, { value }: Written): Moments {
  return {
    square: c.reduceSum(product(c, value, value, false, true), [0], false),
    sum: () => c.reduceSum(value, [0, 2], false),
  };
}

/**
 * One side of a pair as columns `[width, N·groups·T]`, plain and with the weights of rows and positions; not for one-hot
 * sides or gradients of grouped outputs.
 * @param last a row of this number below them
 */
export function momentColumns(
  c: RuleContext,
  pair: FactorPair,
  side: 'first' | 'second',
  weights: PositionWeights | undefined,
  last?: 0 | 1,
): { readonly columns: string; readonly weighted: string } {
  const factor = pair[side];
  const { rows, positions, groups } = pair;
  const count = rows * positions * groups;
  const plain =
    factor.kind === 'patches' && groups === 1
      ? columnsOf(c, factor.value, factor.conv)
      : asColumns(c, written(c, factor), pair);
  const end = last !== undefined && c.constantTensor(float32([1, count], new Float32Array(count).fill(last)));
  const columns = end ? c.op('Concat', [plain, end], { axis: 0 }) : plain;
  return { columns, weighted: weights ? c.mul(columns, columnWeights(c, weights, pair)) : columns };
}

/** A written factor as `[width, N·groups·T]`. */
function asColumns(c: RuleContext, factor: Written, { rows, positions, groups }: FactorPair): string {
  const { value, width, order } = factor;
  if (order === 'last') return c.transpose(c.reshape(value, [rows * positions, width]), [1, 0]);
  const split = c.reshape(value, [rows, groups, width, positions]);
  return c.reshape(c.transpose(split, [2, 0, 1, 3]), [width, rows * groups * positions]);
}

function columnWeights(c: RuleContext, { value }: PositionWeights, { rows, positions, groups }: FactorPair): string {
  const split = c.reshape(value, [rows, 1, positions]);
  return c.reshape(groups === 1 ? split : c.expand(split, [rows, groups, positions]), [1, rows * groups * positions]);
}

/** Each group has its own part of the vector, and 0 in the others: blocks along the diagonal. */
function blockDiagonal(
  c: RuleContext,
  { value, width }: Written,
  { rows, positions, groups }: FactorPair,
  weights: PositionWeights | undefined,
): string {
  const perGroup = width / groups;
  const split = c.transpose(c.reshape(value, [rows, groups, perGroup, positions]), [1, 2, 0, 3]);
  const columns = c.reshape(split, [groups, perGroup, rows * positions]);
  const weighted = weights ? c.mul(columns, c.reshape(weights.value, [1, 1, rows * positions])) : columns;
  const blocks = c.reshape(product(c, weighted, columns, false, true), [groups, perGroup, 1, perGroup]);
  const mask = new Float32Array(groups * groups);
  for (let group = 0; group < groups; group++) mask[group * groups + group] = 1;
  const placed = c.mul(blocks, c.constantTensor(float32([groups, 1, groups, 1], mask)));
  return c.reshape(placed, [width, width]);
}
