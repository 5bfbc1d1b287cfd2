import { WhereforeError } from '../../errors.ts';
import { formatShape, type Tensor } from '../../tensor/tensor.ts';
import type { RuleContext } from '../context.ts';
import type { FactorPair } from './factors.ts';
import type { Layer } from './layers.ts';
import { momentColumns, type PositionWeights } from './moments.ts';

type Matrix = Tensor<'float32'>;

/** A matrix `[width, size]` in both orders. */
export interface Rotation {
  readonly matrix: string;
  readonly transposed: string;
  readonly size: number;
}

/** Matrices along the diagonal, each for its own stretch of a side: a side that is too wide for one. */
export interface PartedRotation {
  readonly parts: readonly Rotation[];
  readonly size: number;
}

/** What a side is multiplied with. */
export type SideRotation = Rotation | PartedRotation;

/** A matrix as a constant of the graph, with its transpose. @param isTurned whether it lies as `[k, width]` */
export function rotation(
  c: RuleContext,
  layer: Layer,
  side: 'inputs' | 'outputs',
  matrix: Matrix,
  isTurned: boolean,
): Rotation {
  const [width, size] = isTurned ? [matrix.shape[1], matrix.shape[0]] : [matrix.shape[0], matrix.shape[1]];
  if (matrix.shape.length !== 2 || width !== layer[side]) throw wrongSize(layer, side, formatShape(matrix.shape));
  const given = c.constantTensor(matrix);
  const turned = c.transpose(given, [1, 0]);
  return isTurned ? { matrix: turned, transposed: given, size } : { matrix: given, transposed: turned, size };
}

/** Square matrices along the diagonal as constants of the graph. */
export function partedRotation(
  c: RuleContext,
  layer: Layer,
  side: 'inputs' | 'outputs',
  matrices: readonly Matrix[],
): PartedRotation {
  const widths = matrices.map(({ shape }) => shape[0]);
  const size = widths.reduce((sum, width) => sum + width, 0);
  if (size !== layer[side]) throw wrongSize(layer, side, `parts of ${widths.join(', ')}`);
  const parts = matrices.map((matrix) => {
    const given = c.constantTensor(matrix);
    return { matrix: given, transposed: c.transpose(given, [1, 0]), size: matrix.shape[1] };
  });
  return { parts, size };
}

function wrongSize(layer: Layer, side: 'inputs' | 'outputs', got: string): WhereforeError {
  return new WhereforeError('wrong-shape', `the matrix of the ${side} of "${layer.name}"`, {
    got,
    expected: `${layer[side]} wide`,
  });
}

/** Stretches of an axis, one for each part. */
function split(c: RuleContext, value: string, parts: readonly Rotation[], axis: number): string[] {
  let from = 0;
  return parts.map(({ size }) => {
    const stretch = c.op('Slice', [value, c.ints([from]), c.ints([from + size]), c.ints([axis])]);
    from += size;
    return stretch;
  });
}

/** `X Q` along the last of so many axes. */
export function timesRotation(c: RuleContext, value: string, by: SideRotation, axes: number): string {
  if (!('parts' in by)) return c.op('MatMul', [value, by.matrix]);
  const turned = split(c, value, by.parts, axes - 1).map((part, k) => c.op('MatMul', [part, by.parts[k].matrix]));
  return c.op('Concat', turned, { axis: axes - 1 });
}

/** `Qᵀ X` of matrices `[N, width, …]`. */
export function rotationTimes(c: RuleContext, by: SideRotation, value: string): string {
  if (!('parts' in by)) return c.op('MatMul', [by.transposed, value]);
  const turned = split(c, value, by.parts, 1).map((part, k) => c.op('MatMul', [by.parts[k].transposed, part]));
  return c.op('Concat', turned, { axis: 1 });
}

/** A side whose covariance is taken in parts. */
export interface PartedSide {
  readonly pair: FactorPair;
  readonly side: 'first' | 'second';
  readonly weights: PositionWeights | undefined;
  /** What the last row is, a 1 of the bias or a 0 where this use adds none; undefined without a bias. */
  readonly last: 0 | 1 | undefined;
}

/**
 * `Σ w u uᵀ` of a side in parts, the covariances between which are left out: the squares `[width, width]` of the parts one
 * behind the other, `[Σ width²]`.
 */
export function partedSquares(
  c: RuleContext,
  { pair, side, weights, last }: PartedSide,
  widths: readonly number[],
): string {
  const { columns, weighted } = momentColumns(c, pair, side, weights, last);
  let from = 0;
  const squares = widths.map((width) => {
    const stretch = (value: string) => c.op('Slice', [value, c.ints([from]), c.ints([from + width]), c.ints([0])]);
    const square = c.op('Gemm', [stretch(weighted), stretch(columns)], { transB: 1 });
    from += width;
    return c.reshape(square, [width * width]);
  });
  return squares.length === 1 ? squares[0] : c.op('Concat', squares, { axis: 0 });
}
