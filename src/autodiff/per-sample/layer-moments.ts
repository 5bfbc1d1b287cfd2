import { WhereforeError } from '../../errors.ts';
import { float32 } from '../../tensor/tensor.ts';
import type { RuleContext } from '../context.ts';
import {
  type FactorPair,
  inOrder,
  outer,
  product,
  rotated,
  sumOverSameIndex,
  type Written,
  written,
} from './factors.ts';
import { type Layer, type LayerUse, type LayerUses, mixedKinds, sidesOf } from './layers.ts';
import { type Rotation, rotationTimes, type SideRotation, timesRotation } from './parted.ts';
import { addAll } from './row-gradients.ts';

/** Rotations of the inputs (with the bias as last) and of the outputs of a layer; a side without one stays as it is. */
export interface Rotations {
  readonly inputs: SideRotation | undefined;
  readonly outputs: SideRotation | undefined;
}

/** Per-row gradients of a layer, `[N, outputs, inputs]`, the bias's column last. */
export function layerRows(c: RuleContext, { layer, uses }: LayerUses): string {
  const parts = uses.map((use) => {
    const { pair } = use;
    const matrix = layer.transposed ? c.transpose(outer(c, pair), [0, 2, 1]) : outer(c, pair);
    if (!layer.bias) return matrix;
    const { outputs } = sidesOf(layer);
    const side = pair[outputs];
    const column = use.hasBias
      ? c.reduceSum(inOrder(c, writtenRows(side), 'last'), [1], false)
      : c.zeros([pair.rows, layer.outputs]);
    return c.op('Concat', [matrix, c.reshape(column, [pair.rows, layer.outputs, 1])], { axis: 2 });
  });
  return addAll(c, parts) as string;
}

function writtenRows(factor: FactorPair['first']): Written {
  if (factor.kind === 'rows') return factor;
  throw new WhereforeError('internal', 'the outputs of a layer with a bias are not rows', { got: factor.kind });
}

/** Both sides of a use multiplied with the rotations, `[N, T, k]`; the bias adds the last row of the inputs' matrix. */
export function rotatedSides(c: RuleContext, layer: Layer, { pair, hasBias }: LayerUse, rotations: RotationsGiven) {
  const sides = sidesOf(layer);
  const plain = (side: 'inputs' | 'outputs'): Rotation => {
    const rotation = rotations[side];
    if (side === 'outputs' || !layer.bias) return rotation;
    // Without the row of the bias.
    const width = layer.inputs - 1;
    return {
      size: rotation.size,
      matrix: c.op('Slice', [rotation.matrix, c.ints([0]), c.ints([width]), c.ints([0])]),
      transposed: c.op('Slice', [rotation.transposed, c.ints([0]), c.ints([width]), c.ints([1])]),
    };
  };
  const outputs = rotated(c, pair, sides.outputs, plain('outputs'));
  const inputs = rotated(c, pair, sides.inputs, plain('inputs'));
  if (!hasBias) return { inputs, outputs };
  const last = c.op('Slice', [
    rotations.inputs.matrix,
    c.ints([layer.inputs - 1]),
    c.ints([layer.inputs]),
    c.ints([0]),
  ]);
  const shape = inputs.order === 'last' ? [1, 1, inputs.width] : [1, inputs.width, 1];
  return { outputs, inputs: { ...inputs, value: c.add(inputs.value, c.reshape(last, shape)) } };
}

export interface RotationsGiven {
  readonly inputs: Rotation;
  readonly outputs: Rotation;
}

/** `P_o G_n P_iᵀ` of every row, `[N, k_o, k_i]`. */
export function layerProjections(c: RuleContext, { layer, uses }: LayerUses, rotations: RotationsGiven): string {
  const parts = uses.map((use) => {
    const { inputs, outputs } = rotatedSides(c, layer, use, rotations);
    const positions = use.pair.positions * use.pair.groups;
    return outer(c, { first: outputs, second: inputs, inputs: 'second', rows: use.pair.rows, positions, groups: 1 });
  });
  return addAll(c, parts) as string;
}

/** Rotated gradients of the rows, squared: how they are held depends on what is cheapest. */
export interface RotatedSquares {
  /** `Σ_n (Q_oᵀ G_n Q_i)²`, `[outputs, inputs]`. */
  sum(): string;
  /** `Σ_{oi} w_{oi} (Q_oᵀ G_n Q_i)²_{oi}` for weights `[outputs, inputs]`, `[N]`. */
  weighted(weights: string): string;
}

/** The squares of rotated gradients of a layer's rows. */
export function rotatedSquares(c: RuleContext, item: LayerUses, rotations: Rotations): RotatedSquares {
  const { layer, uses } = item;
  const [use] = uses;
  const isTable = uses.length === 1 && layer.oneHot !== undefined;
  if (isTable) return tableSquares(c, layer, use, rotations);
  const isOne = uses.length === 1 && use.pair.positions * use.pair.groups === 1;
  if (isOne) return outerSquares(c, layer, use, rotations);
  const rotated = rotateRows(c, item, rotations);
  const matrix = c.mul(rotated, rotated);
  const { rows } = use.pair;
  return {
    sum: () => c.reduceSum(matrix, [0], false),
    weighted: (weights) => {
      const size = layer.outputs * layer.inputs;
      return c.reshape(c.op('MatMul', [c.reshape(matrix, [rows, size]), c.reshape(weights, [size, 1])]), [rows]);
    },
  };
}

/** `Q_oᵀ G_n Q_i`: the sides are rotated first where that is cheaper than rotating the matrices of the rows. */
function rotateRows(c: RuleContext, item: LayerUses, { inputs, outputs }: Rotations): string {
  const { layer } = item;
  const [I, O, T] = [layer.inputs, layer.outputs, layer.positions];
  const sidesFirst = T * (I * I + O * O + I * O) < T * I * O + O * O * I + O * I * I;
  const areWhole = inputs && outputs && !('parts' in inputs) && !('parts' in outputs);
  if (areWhole && sidesFirst && !layer.oneHot) return layerProjections(c, item, { inputs, outputs });
  const rows = layerRows(c, item);
  const left = outputs ? rotationTimes(c, outputs, rows) : rows;
  return inputs ? timesRotation(c, left, inputs, 3) : left;
}

/** One position a row: the squares of an outer product are the outer product of the squares. */
function outerSquares(c: RuleContext, layer: Layer, use: LayerUse, rotations: Rotations): RotatedSquares {
  const [s, a] = sidesOfOne(c, layer, use, rotations).map((value) => c.mul(value, value));
  return {
    sum: () => product(c, s, a, true, false),
    weighted: (weights) => c.reduceSum(c.mul(c.op('MatMul', [s, weights]), a), [1], false),
  };
}

/** Outputs and inputs (a 1 for the bias last) of a use with one position, `[N, width]` each, rotated. */
function sidesOfOne(c: RuleContext, layer: Layer, { pair, hasBias }: LayerUse, rotations: Rotations): string[] {
  const sides = sidesOf(layer);
  return (['outputs', 'inputs'] as const).map((name) => {
    const factor = pair[sides[name]];
    const width = name === 'inputs' && layer.bias ? layer.inputs - 1 : factor.width;
    const plain = c.reshape(written(c, factor).value, [pair.rows, width]);
    const whole =
      name === 'inputs' && layer.bias
        ? c.op('Concat', [plain, constantColumn(c, pair.rows, hasBias ? 1 : 0)], { axis: 1 })
        : plain;
    const rotation = rotations[name];
    return rotation ? timesRotation(c, whole, rotation, 2) : whole;
  });
}

const constantColumn = (c: RuleContext, rows: number, value: number) =>
  c.constantTensor(float32([rows, 1], new Float32Array(rows).fill(value)));

function squaresOfIndices(
  c: RuleContext,
  indices: string,
  values: string,
  { rows, positions }: Pick<FactorPair, 'rows' | 'positions'>,
): string {
  const { sums, isFirst } = sumOverSameIndex(c, indices, values, rows, positions);
  return c.mul(c.mul(sums, sums), isFirst);
}

/**
 * A row of a table counts once a row of the batch, however often its index occurs there: what flows back to one index is
 * added up before it is squared. The index has no rotation, its covariance is diagonal.
 */
function tableSquares(c: RuleContext, layer: Layer, { pair }: LayerUse, rotations: Rotations): RotatedSquares {
  const index = layer.oneHot as 'inputs' | 'outputs';
  const other = index === 'inputs' ? 'outputs' : 'inputs';
  if (rotations[index] || layer.bias) throw mixedKinds(layer);
  const sides = sidesOf(layer);
  const factor = pair[sides[index]];
  if (factor.kind !== 'one-hot') throw mixedKinds(layer);
  const { rows, positions } = pair;
  const plain = inOrder(c, written(c, pair[sides[other]]), 'last');
  const rotation = rotations[other];
  const values = rotation ? timesRotation(c, plain, rotation, 3) : plain;
  const width = rotation?.size ?? pair[sides[other]].width;
  const squares = factor.isEach
    ? c.mul(values, values)
    : squaresOfIndices(c, factor.indices, values, { rows, positions });
  const turn = (value: string) => (index === 'inputs' ? c.transpose(value, [1, 0]) : value);
  return {
    sum: () => {
      const places = c.expand(c.reshape(factor.indices, [rows * positions, 1]), [rows * positions, width]);
      const flat = c.reshape(squares, [rows * positions, width]);
      const zeros = c.zeros([factor.width, width]);
      return turn(c.op('ScatterElements', [zeros, places, flat], { axis: 0, reduction: 'add' }));
    },
    weighted: (weights) => {
      const taken = c.op('Gather', [turn(weights), factor.indices], { axis: 0 });
      return c.reduceSum(c.mul(squares, taken), [1, 2], false);
    },
  };
}
