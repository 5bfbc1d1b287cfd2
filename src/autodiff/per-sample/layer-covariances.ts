import { WhereforeError } from '../../errors.ts';
import { float32 } from '../../tensor/tensor.ts';
import type { RuleContext } from '../context.ts';
import { bandHeights, bandsOfProduct } from './bands.ts';
import { type FactorPair, inOrder } from './factors.ts';
import { type Layer, type LayerUse, type LayerUses, mixedKinds, sidesOf } from './layers.ts';
import { momentColumns, momentsOf, type PositionWeights } from './moments.ts';
import { partedSquares } from './parted.ts';
import { addAll } from './row-gradients.ts';

/** Widths of the parts of sides that are too wide for one covariance; a side without is one. */
export interface SideParts {
  readonly inputs?: readonly number[];
  readonly outputs?: readonly number[];
}

/** Weights of rows `[N]` or of rows and tokens `[N, T]`, from 0, as a value of the graph. */
export interface RowWeights {
  readonly value: string;
  readonly shape: readonly number[];
}

function positionWeights(c: RuleContext, { rows, positions }: FactorPair, weights: RowWeights | undefined) {
  if (!weights) return undefined;
  if (weights.shape.length === 2 && weights.shape[1] === positions) return { value: weights.value };
  const ofRows =
    weights.shape.length === 2 ? c.op('ReduceMax', [weights.value, c.ints([1])], { keepdims: 0 }) : weights.value;
  return { value: c.expand(c.reshape(ofRows, [rows, 1]), [rows, positions]), rows: ofRows };
}

/** A covariance as values of the graph: whole, or the bands of a wide one; see `bandHeights`. */
export type Banded = readonly { readonly value: string; readonly shape: readonly number[] }[];

/** `Σ w a aᵀ` of the inputs (a 1 for the bias last) and `Σ s sᵀ` of the gradients of the outputs, over rows and positions. */
export function layerCovariances(
  c: RuleContext,
  item: LayerUses,
  weights: RowWeights | undefined,
  parted: SideParts = {},
): { readonly inputs: Banded; readonly outputs: Banded } {
  const { layer } = item;
  const summed = (name: 'inputs' | 'outputs'): Banded => {
    // What flows back has the weight of its row already.
    const counted = name === 'inputs' ? weights : undefined;
    const heights = parted[name] ? undefined : bandHeights(layer[name]);
    const bands = heights && sideBands(c, item, name, { heights, weights: counted });
    if (bands) return bands;
    const value = sideSquares(c, item, name, { widths: parted[name], weights: counted });
    if (parted[name]) return [{ value, shape: [parted[name].reduce((sum, width) => sum + width * width, 0)] }];
    return [{ value, shape: layer.oneHot === name ? [layer[name]] : [layer[name], layer[name]] }];
  };
  return { inputs: summed('inputs'), outputs: summed('outputs') };
}

interface Counted {
  readonly weights: RowWeights | undefined;
}

/** Undefined where one of the uses is not plain rows. */
function sideBands(
  c: RuleContext,
  { layer, uses }: LayerUses,
  name: 'inputs' | 'outputs',
  { heights, weights }: Counted & { readonly heights: readonly number[] },
): Banded | undefined {
  const side = sidesOf(layer)[name];
  const hasOnes = name === 'inputs' && layer.bias !== undefined;
  const arePlain = uses.every(
    ({ pair, hasBias }) => pair[side].kind === 'rows' && pair.groups === 1 && (hasBias || !hasOnes),
  );
  if (!arePlain) return undefined;
  const found = uses.map(({ pair }) => {
    const { columns, weighted } = momentColumns(
      c,
      pair,
      side,
      positionWeights(c, pair, weights),
      hasOnes ? 1 : undefined,
    );
    return bandsOfProduct(c, weighted, columns, layer[name], heights);
  });
  return found[0].map(({ shape }, k) => ({
    shape,
    value: addAll(
      c,
      found.map((bands) => bands[k].value),
    ) as string,
  }));
}

function sideSquares(
  c: RuleContext,
  { layer, uses }: LayerUses,
  name: 'inputs' | 'outputs',
  { widths, weights }: Counted & { readonly widths: readonly number[] | undefined },
): string {
  const side = sidesOf(layer)[name];
  const hasOnes = name === 'inputs' && layer.bias !== undefined;
  const parts = uses.map((use) => {
    const counted = positionWeights(c, use.pair, weights);
    if (widths) {
      checkParted(layer, use, side);
      const last = hasOnes ? (use.hasBias ? 1 : 0) : undefined;
      return partedSquares(c, { pair: use.pair, side, weights: counted, last }, widths);
    }
    const widened = hasOnes ? withOnesColumn(c, use, side) : undefined;
    if (widened) return momentsOf(c, widened, side, counted).square;
    const { square, sum } = momentsOf(c, use.pair, side, counted);
    const isDiagonal = use.pair[side].kind === 'one-hot';
    if (isDiagonal !== (layer.oneHot === name)) throw mixedKinds(layer);
    return hasOnes ? withOnes(c, layer.inputs - 1, square, use, { sum, weights: counted }) : square;
  });
  return addAll(c, parts) as string;
}

/** @throws WhereforeError `unsupported-model` for gradients of grouped outputs, whose parts would cut through groups */
function checkParted(layer: Layer, { pair }: LayerUse, side: 'first' | 'second'): void {
  if (pair[side].kind === 'one-hot') throw mixedKinds(layer);
  if (pair.groups === 1 || pair[side].kind !== 'rows') return;
  throw new WhereforeError('unsupported-model', `"${layer.name}" has groups and is too wide for one covariance`, {
    got: `${layer.outputs} outputs in ${pair.groups} groups`,
    fix: 'choose logra, which projects wide layers, or diagonal-fisher',
  });
}

/**
 * The pair with `[a, 1]` in place of its inputs, where these are rows: one column more costs less than to put a row and a
 * column around a product that may be a thousand wide. Undefined for windows and indices.
 */
function withOnesColumn(c: RuleContext, { pair, hasBias }: LayerUse, side: 'first' | 'second'): FactorPair | undefined {
  const factor = pair[side];
  if (!hasBias || factor.kind !== 'rows' || pair.groups > 1) return undefined;
  const { rows, positions } = pair;
  const ones = c.constantTensor(float32([rows, positions, 1], new Float32Array(rows * positions).fill(1)));
  const value = c.op('Concat', [inOrder(c, factor, 'last'), ones], { axis: 2 });
  return { ...pair, [side]: { kind: 'rows', value, width: factor.width + 1, order: 'last' } };
}

/** The covariance of `[a, 1]`: `[[A, Σa], [Σaᵀ, Σ1]]`. */
function withOnes(
  c: RuleContext,
  width: number,
  square: string,
  { pair, hasBias }: LayerUse,
  { sum, weights }: { readonly sum: () => string; readonly weights: PositionWeights | undefined },
): string {
  if (!hasBias) return c.op('Pad', [square, c.ints([0, 0, 1, 1])]);
  const a = sum();
  const each = weights
    ? c.reshape(c.scale(c.reduceSum(weights.value, [0, 1], false), pair.groups), [1, 1])
    : c.constantTensor(float32([1, 1], [pair.rows * pair.positions * pair.groups]));
  const upper = c.op('Concat', [square, c.reshape(a, [width, 1])], { axis: 1 });
  const lower = c.op('Concat', [c.reshape(a, [1, width]), each], { axis: 1 });
  return c.op('Concat', [upper, lower], { axis: 0 });
}
