import { WhereforeError } from '../../errors.ts';
import { floatAttribute, operatorKey } from '../../onnx/graph.ts';
import { float32, sizeOf } from '../../tensor/tensor.ts';
import type { RuleContext } from '../context.ts';
import type { Contribution } from './contributions.ts';
import type { FactorPair } from './factors.ts';
import type { Use } from './uses.ts';

/** A use with what it adds. */
export interface Contributed {
  readonly use: Use;
  readonly contribution: Contribution;
}

/**
 * Parameters whose gradient is one matrix `[outputs, inputs]`, a sum of outer products of what flows back into the
 * outputs and of the inputs: a weight with its bias as an input of 1, a vector (a scale, a bias alone) as one row, or a
 * table of parameters.
 */
export interface Layer {
  /** Name of the weight. */
  readonly name: string;
  readonly bias: string | undefined;
  readonly outputs: number;
  /** Columns, the bias's column last. */
  readonly inputs: number;
  /** Whether the weight lies as `[inputs, outputs]`. */
  readonly transposed: boolean;
  /** Whether one side is an index into a table, so that its covariance is diagonal and has no rotation. */
  readonly oneHot: 'inputs' | 'outputs' | undefined;
  /** Positions (tokens, windows) that a row adds up, the most of its uses. */
  readonly positions: number;
}

/** One use of a layer. */
export interface LayerUse {
  readonly pair: FactorPair;
  /** Whether the bias is added here. */
  readonly hasBias: boolean;
}

/** A layer and its uses; the sides of every pair are those of the weight as it lies. */
export interface LayerUses {
  readonly layer: Layer;
  readonly uses: readonly LayerUse[];
}

/** The side of a layer's pairs that holds its inputs, and that of its outputs. */
export const sidesOf = ({ transposed }: Layer) =>
  transposed ? ({ inputs: 'first', outputs: 'second' } as const) : ({ inputs: 'second', outputs: 'first' } as const);

/**
 * Groups what parameters are used for into layers.
 * @param rowGradient gradient of the rows of a parameter, `[N, …shape]`, for those that are vectors
 */
export function layersOf(
  c: RuleContext,
  rows: number,
  contributed: ReadonlyMap<string, readonly Contributed[]>,
  rowGradient: (parameter: string) => string | undefined,
): LayerUses[] {
  const matrices = new Map<string, readonly (Contributed & { readonly pair: FactorPair })[]>();
  for (const [parameter, list] of contributed) {
    const pairs = list.flatMap((item) => {
      const pair = item.contribution.kind === 'factors' && turnedPair(item.contribution.pair, item.use);
      return pair ? [{ ...item, pair }] : [];
    });
    if (pairs.length > 0 && pairs.length === list.length) matrices.set(parameter, pairs);
  }
  const biases = biasesOf(contributed, matrices);
  const attached = new Set(biases.values());
  const layers: LayerUses[] = [];
  for (const [parameter, list] of contributed) {
    const pairs = matrices.get(parameter);
    if (attached.has(parameter) || list.length === 0) continue;
    const bias = biases.get(parameter);
    layers.push(
      pairs
        ? matrixLayer(parameter, pairs, bias, contributed)
        : plainLayer(c, rows, parameter, rowGradient(parameter), list[0].use),
    );
  }
  return layers;
}

/** The sides of a pair as the parameter lies, whatever turned it on the way; undefined where more than that was done. */
function turnedPair(pair: FactorPair, { steps }: Use): FactorPair | undefined {
  const turns = steps.filter(({ kind }) => kind === 'transposed-matrix').length;
  if (steps.some(({ kind }) => kind === 'other') || (turns > 0 && pair.groups > 1)) return undefined;
  if (turns % 2 === 0) return pair;
  return { ...pair, first: pair.second, second: pair.first, inputs: pair.inputs === 'first' ? 'second' : 'first' };
}

function matrixLayer(
  parameter: string,
  uses: readonly (Contributed & { readonly pair: FactorPair })[],
  bias: string | undefined,
  contributed: ReadonlyMap<string, readonly Contributed[]>,
): LayerUses {
  // An embedding tied to an output layer is a matrix like that layer's.
  const { pair } = uses.find((item) => item.pair[item.pair.inputs].kind !== 'one-hot') ?? uses[0];
  const transposed = pair.inputs === 'first';
  const [input, output] = transposed ? [pair.first, pair.second] : [pair.second, pair.first];
  const biased = new Set((contributed.get(bias ?? '') ?? []).map(({ use }) => weightNodeOf(use)));
  const kinds = { inputs: transposed ? 'first' : 'second', outputs: transposed ? 'second' : 'first' } as const;
  const oneHot = (['inputs', 'outputs'] as const).find((side) =>
    uses.some((item) => item.pair[kinds[side]].kind === 'one-hot'),
  );
  return {
    layer: {
      name: parameter,
      bias,
      outputs: output.width,
      inputs: input.width + (bias ? 1 : 0),
      transposed,
      oneHot,
      positions: uses.reduce((most, item) => Math.max(most, item.pair.positions * item.pair.groups), 0),
    },
    uses: uses.map((item) => ({ pair: item.pair, hasBias: biased.has(item.use.node.outputs[0]) })),
  };
}

/**
 * Parameters that no product of matrices holds. A vector (a scale, a bias alone): its gradient is the input, the output is
 * 1. A table (positions of a text, biases of pairs of positions): each of its rows is an index that occurs once, so that
 * its rows share the covariance of what flows back, as those of an embedding do.
 */
function plainLayer(
  c: RuleContext,
  rows: number,
  parameter: string,
  gradient: string | undefined,
  { node }: Use,
): LayerUses {
  if (!gradient) throw new WhereforeError('internal', `"${parameter}" has uses and no gradient`, { where: node.name });
  const shape = (c.facts.shapes.get(parameter) ?? []).filter((size) => size !== 1);
  const [positions, width] = [sizeOf(shape.slice(0, -1)), shape.at(-1) ?? 1];
  const flowing = c.reshape(gradient, [rows, positions, width]);
  const plain = { name: parameter, bias: undefined, positions };
  if (positions === 1) {
    const ones = c.constantTensor(float32([rows, 1, 1], new Float32Array(rows).fill(1)));
    const pair: FactorPair = {
      first: { kind: 'rows', value: ones, width: 1, order: 'last' },
      second: { kind: 'rows', value: flowing, width, order: 'last' },
      ...{ inputs: 'second', rows, positions, groups: 1 },
    };
    const layer: Layer = { ...plain, outputs: 1, inputs: width, transposed: false, oneHot: undefined };
    return { layer, uses: [{ pair, hasBias: false }] };
  }
  const each = BigInt64Array.from({ length: rows * positions }, (_, j) => BigInt(j % positions));
  const indices = c.constantTensor({ type: 'int64', shape: [rows, positions], data: each });
  const pair: FactorPair = {
    first: { kind: 'one-hot', indices, width: positions, isEach: true },
    second: { kind: 'rows', value: flowing, width, order: 'last' },
    ...{ inputs: 'first', rows, positions, groups: 1 },
  };
  const layer: Layer = { ...plain, outputs: width, inputs: positions, transposed: true, oneHot: 'inputs' };
  return { layer, uses: [{ pair, hasBias: false }] };
}

/** Output of the node that multiplies the weight whose bias this use may be; undefined where it is no bias of that kind. */
function weightNodeOf({ node, index }: Use): string | undefined {
  const operator = operatorKey(node);
  const isPlain = floatAttribute(node, 'alpha', 1) === 1 && floatAttribute(node, 'beta', 1) === 1;
  if (index === 2 && (operator === 'Conv' || (operator === 'Gemm' && isPlain))) return node.outputs[0];
  return operator === 'Add' ? node.inputs[1 - index] : undefined;
}

/** Weight → the parameter that is its bias: added, in the same node or the next, at uses of the weight and nowhere else. */
function biasesOf(
  contributed: ReadonlyMap<string, readonly Contributed[]>,
  matrices: ReadonlyMap<string, readonly (Contributed & { readonly pair: FactorPair })[]>,
): Map<string, string> {
  const weightOf = new Map<string, { readonly weight: string; readonly width: number }>();
  for (const [weight, uses] of matrices) {
    for (const { use, pair } of uses) {
      const output = pair.inputs === 'first' ? pair.second : pair.first;
      // Behind x·W the outputs are the last axis, as those of a bias.
      if (use.index === 1 && output.kind !== 'patches')
        weightOf.set(use.node.outputs[0], { weight, width: output.width });
    }
  }
  const placeOf = ({ use, contribution }: Contributed): string | undefined => {
    const weight = weightOf.get(weightNodeOf(use) ?? '');
    const isSum = contribution.kind === 'dense' && use.steps.every(({ kind }) => kind === 'reshape');
    const isVector = weight && sizeOf(use.shape) === weight.width && use.shape.at(-1) === weight.width;
    return isSum && isVector && (use.index === 2 || use.isOnlyReader) ? weight.weight : undefined;
  };
  const found = new Map<string, string>();
  for (const [parameter, list] of contributed) {
    const [weight, ...others] = list.map(placeOf);
    if (weight !== undefined && others.every((other) => other === weight) && !found.has(weight)) {
      found.set(weight, parameter);
    }
  }
  return found;
}

/** The error of a layer whose uses are of two kinds. */
export function mixedKinds(layer: Layer): WhereforeError {
  return new WhereforeError(
    'unsupported-model',
    `"${layer.name}" is a table that indices look up and a matrix as well, whose covariances have no common form`,
    { fix: 'leave it out' },
  );
}
