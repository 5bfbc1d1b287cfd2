import { float32, sizeOf } from '../../tensor/tensor.ts';
import type { RuleContext } from '../context.ts';
import { type Convolution, plainConvolution } from '../rules/convolution-input.ts';
import { padded, unfolded } from '../rules/unfold.ts';

/**
 * One side of the outer products that make a gradient: for each of N rows and T positions a vector of `width` elements,
 * `G_n = Σ_t u_{n,t} v_{n,t}ᵀ`.
 */
export type Factor =
  /** `[N, T, width]` (`last`), or `[N, width, T]` (`first`, as a convolution leaves its channels). */
  | { readonly kind: 'rows'; readonly value: string; readonly width: number; readonly order: 'last' | 'first' }
  /**
   * A one at an index, int64 `[N, T]`: what an embedding is multiplied with. It is never written out. `isEach`: the
   * positions are the indices, each once.
   */
  | { readonly kind: 'one-hot'; readonly indices: string; readonly width: number; readonly isEach?: boolean }
  /**
   * The windows of a convolution over `[N, channels, …]`, unfolded only where nothing else will do; the vector has the
   * order (channel of the group, kernel position).
   */
  | { readonly kind: 'patches'; readonly value: string; readonly width: number; readonly conv: Convolution };

/** Both sides of a gradient of a matrix `[first, second]`; with groups, `first` is cut in as many equal parts. */
export interface FactorPair {
  readonly first: Factor;
  readonly second: Factor;
  /** Which side is the input of the layer; the other is the gradient of its output. */
  readonly inputs: 'first' | 'second';
  readonly rows: number;
  readonly positions: number;
  readonly groups: number;
}

/** A factor as numbers. */
export type Written = Extract<Factor, { kind: 'rows' }>;

/** A product of matrices, either of them transposed in its last two axes. */
export function product(c: RuleContext, a: string, b: string, transA = false, transB = false): string {
  if (!transA && !transB) return c.op('MatMul', [a, b]);
  return c.op('FusedMatMul', [a, b], { transA: Number(transA), transB: Number(transB) }, { domain: 'com.microsoft' });
}

/** Windows with the taps side by side, `[N, groups · width, T]`. */
function unfold(c: RuleContext, value: string, conv: Convolution): string {
  const { batch, channels, kernel, narrow } = conv;
  const windows = unfolded(c, padded(c, value, conv), [batch * channels, 1], conv);
  return c.reshape(windows, [batch, channels * sizeOf(kernel), sizeOf(narrow)]);
}

/** A factor written out; the windows of a grouped convolution have the groups in front of their width. */
export function written(c: RuleContext, factor: Factor): Written {
  if (factor.kind === 'rows') return factor;
  if (factor.kind === 'patches') {
    return { kind: 'rows', value: unfold(c, factor.value, factor.conv), width: factor.width, order: 'first' };
  }
  const ends = c.constantTensor(float32([2], [0, 1]));
  const value = c.op('OneHot', [factor.indices, c.builder.scalar(factor.width, 'int64'), ends], { axis: -1 });
  return { kind: 'rows', value, width: factor.width, order: 'last' };
}

/** Per-row matrices `Σ_t u vᵀ`, `[N, first, second]`. */
export function outer(c: RuleContext, pair: FactorPair): string {
  const { rows, positions, groups } = pair;
  if (pair.first.kind === 'one-hot' && pair.second.kind !== 'one-hot') {
    return scattered(c, pair.first, written(c, pair.second), pair);
  }
  const [first, second] = [written(c, pair.first), written(c, pair.second)];
  if (groups > 1) {
    const perGroup = first.width / groups;
    const u = c.reshape(first.value, [rows, groups, perGroup, positions]);
    const v = c.reshape(second.value, [rows, groups, second.width, positions]);
    return c.reshape(product(c, u, v, false, true), [rows, first.width, second.width]);
  }
  if (positions === 1) {
    return c.mul(c.reshape(first.value, [rows, first.width, 1]), c.reshape(second.value, [rows, 1, second.width]));
  }
  return product(c, first.value, second.value, first.order === 'last', second.order === 'first');
}

/** Rows of an embedding's gradient, put where their indices say: `[N, vocabulary, width]`. */
function scattered(
  c: RuleContext,
  { indices, width }: Extract<Factor, { kind: 'one-hot' }>,
  values: Written,
  { rows, positions }: FactorPair,
): string {
  const places = c.expand(c.reshape(indices, [rows, positions, 1]), [rows, positions, values.width]);
  const zeros = c.zeros([rows, width, values.width]);
  return c.op('ScatterElements', [zeros, places, inOrder(c, values, 'last')], { axis: 1, reduction: 'add' });
}

/** A written factor in the order that is asked for. */
export function inOrder(c: RuleContext, { value, order }: Written, wanted: 'last' | 'first'): string {
  return order === wanted ? value : c.transpose(value, [0, 2, 1]);
}

/**
 * A side of a pair multiplied with a matrix `[width, k]`, whose transpose is given as well: `[N, T·groups, k]`. Windows
 * are not unfolded for it: the product is a convolution with the matrix as filters.
 */
export function rotated(
  c: RuleContext,
  pair: FactorPair,
  side: 'first' | 'second',
  by: { readonly matrix: string; readonly transposed: string; readonly size: number },
): Written {
  const factor = pair[side];
  const { rows, positions, groups } = pair;
  const result = (value: string, order: Written['order']): Written => ({ kind: 'rows', value, width: by.size, order });
  if (factor.kind === 'one-hot') return result(c.op('Gather', [by.matrix, factor.indices], { axis: 0 }), 'last');
  if (factor.kind === 'patches') {
    const { conv } = factor;
    const filters = c.reshape(by.transposed, [by.size, conv.channels / groups, ...conv.kernel]);
    const all = groups === 1 ? filters : c.op('Concat', new Array<string>(groups).fill(filters), { axis: 0 });
    const value = plainConvolution(c, factor.value, all, { ...conv, outputs: by.size * groups });
    const flat = c.reshape(value, [rows, groups, by.size, positions]);
    if (groups === 1) return result(c.reshape(flat, [rows, by.size, positions]), 'first');
    return result(c.reshape(c.transpose(flat, [0, 2, 1, 3]), [rows, by.size, groups * positions]), 'first');
  }
  if (groups > 1) {
    const perGroup = factor.width / groups;
    const u = c.reshape(factor.value, [rows, groups, perGroup, positions]);
    const matrices = c.reshape(by.matrix, [groups, perGroup, by.size]);
    const turned = product(c, matrices, u, true, false);
    return result(c.reshape(c.transpose(turned, [0, 2, 1, 3]), [rows, by.size, groups * positions]), 'first');
  }
  if (factor.order === 'last') return result(c.op('MatMul', [factor.value, by.matrix]), 'last');
  return result(c.op('MatMul', [by.transposed, factor.value]), 'first');
}

/** Positions whose index no earlier position of the row has, and for each the sum over all of the same index. */
export function sumOverSameIndex(
  c: RuleContext,
  indices: string,
  values: string,
  rows: number,
  positions: number,
): { readonly sums: string; readonly isFirst: string } {
  const equal = c.op('Equal', [c.reshape(indices, [rows, positions, 1]), c.reshape(indices, [rows, 1, positions])]);
  const same = c.op('Cast', [equal], { to: 1 });
  const earlier = new Float32Array(positions * positions);
  for (let t = 0; t < positions; t++) for (let before = 0; before < t; before++) earlier[t * positions + before] = 1;
  const seen = c.reduceSum(c.mul(same, c.constantTensor(float32([1, positions, positions], earlier))), [2], true);
  const isFirst = c.op('Cast', [c.op('Less', [seen, c.scalar(0.5)])], { to: 1 });
  return { sums: c.op('MatMul', [same, values]), isFirst };
}
