import { sizeOf } from '../../tensor/tensor.ts';
import type { RuleContext } from '../context.ts';
import { plainConvolution as convolve } from '../rules/convolution-input.ts';
import { type Factor, type FactorPair, inOrder, outer, product, written } from './factors.ts';
import type { Contributed } from './layers.ts';

/** Elements of per-row gradients of one use that are written out together; above, they are multiplied by directions one by one. */
const mostWritten = 2 ** 24;

/** The gradients of single rows of one parameter, `[N, …shape]`, all uses added; undefined where it has none. */
export function rowGradient(c: RuleContext, rows: number, uses: readonly Contributed[]): string | undefined {
  return addAll(
    c,
    uses.map((item) => throughSteps(c, rows, item)),
  );
}

/** Sum of some values of one shape; undefined for none. */
export function addAll(c: RuleContext, values: readonly string[]): string | undefined {
  return values.length > 2 ? c.op('Sum', values) : values.length === 2 ? c.add(values[0], values[1]) : values[0];
}

function throughSteps(c: RuleContext, rows: number, { use, contribution }: Contributed): string {
  const own =
    contribution.kind === 'dense'
      ? contribution.gradient
      : c.reshape(outer(c, contribution.pair), [rows, ...use.shape]);
  return use.steps.reduceRight((gradient, step) => step.transpose(c, gradient, rows), own);
}

/**
 * `⟨g_n, d_k⟩` of the rows' gradients g and some directions d of one parameter, `[N, K]`.
 * @param directions `[K, …shape of the parameter]`
 */
export function rowDots(
  c: RuleContext,
  rows: number,
  { use, contribution }: Contributed,
  directions: string,
  count: number,
): string {
  const turned = use.steps.reduce((value, step) => step.forward(c, value, count), directions);
  const size = sizeOf(use.shape);
  const byRows = (gradient: string) =>
    product(c, c.reshape(gradient, [rows, size]), c.reshape(turned, [count, size]), false, true);
  if (contribution.kind === 'dense') return byRows(contribution.gradient);
  const { pair } = contribution;
  const { positions, groups } = pair;
  const indexed = pair.first.kind === 'one-hot' || pair.second.kind === 'one-hot';
  // Multiplications: T·size to write a row's gradient and K·size to use it, against T·K·size.
  const isCheaper = positions + count < positions * count && (rows * size) / groups <= mostWritten;
  return !indexed && isCheaper ? byRows(outer(c, pair)) : factoredDots(c, pair, turned, count);
}

/** `Σ_t u_tᵀ D_k v_t`, from the factors. */
function factoredDots(c: RuleContext, pair: FactorPair, directions: string, count: number): string {
  const { rows, positions, groups, first, second } = pair;
  const shape = [count, first.width, second.width];
  const D = c.reshape(directions, shape);
  if (first.kind === 'one-hot')
    return indexedDots(c, pair, { indices: first.indices, axis: 1, other: second }, D, count);
  if (second.kind === 'one-hot')
    return indexedDots(c, pair, { indices: second.indices, axis: 2, other: first }, D, count);
  if (second.kind === 'patches') {
    // The windows times a direction are a convolution with it as filters: nothing is unfolded.
    const perGroup = first.width / groups;
    const split = c.reshape(D, [count, groups, perGroup, second.width]);
    const { conv } = second;
    const filters = c.reshape(c.transpose(split, [1, 0, 2, 3]), [
      groups * count * perGroup,
      conv.channels / groups,
      ...conv.kernel,
    ]);
    const moved = convolve(c, second.value, filters, { ...conv, outputs: groups * count * perGroup });
    const value = c.reshape(moved, [rows, groups, count, perGroup, positions]);
    const u = c.reshape(written(c, first).value, [rows, groups, 1, perGroup, positions]);
    return c.reduceSum(c.mul(value, u), [1, 3, 4], false);
  }
  const [u, v] = [inOrder(c, written(c, first), 'last'), inOrder(c, written(c, second), 'last')];
  // The wider side is multiplied away, so that what stays is small.
  const isSecondWide = second.width >= first.width;
  const [wide, narrow] = isSecondWide ? [v, u] : [u, v];
  const [wideWidth, width] = isSecondWide ? [second.width, first.width] : [first.width, second.width];
  const matrix = c.reshape(c.transpose(D, isSecondWide ? [2, 0, 1] : [1, 0, 2]), [wideWidth, count * width]);
  const value = c.reshape(c.op('MatMul', [wide, matrix]), [rows, positions, count, width]);
  return c.reduceSum(c.mul(value, c.reshape(narrow, [rows, positions, 1, width])), [1, 3], false);
}

/** One side of a pair as indices, with the axis of the directions that they look up, and the other side. */
interface Indexed {
  readonly indices: string;
  readonly axis: 1 | 2;
  readonly other: Factor;
}

/** An index takes a row of every direction. */
function indexedDots(
  c: RuleContext,
  { rows, positions }: FactorPair,
  { indices, axis, other }: Indexed,
  directions: string,
  count: number,
): string {
  const taken = c.op('Gather', [directions, indices], { axis });
  // [K, N, T, width] from the first axis; [K, width, N, T] from the second.
  const value = axis === 1 ? taken : c.transpose(taken, [0, 2, 3, 1]);
  const dots = c.mul(value, c.reshape(inOrder(c, written(c, other), 'last'), [1, rows, positions, other.width]));
  return c.transpose(c.reduceSum(c.reshape(dots, [count, rows, positions * other.width]), [2], false), [1, 0]);
}
