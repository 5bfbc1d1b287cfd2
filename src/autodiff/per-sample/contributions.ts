import { WhereforeError } from '../../errors.ts';
import { describeNode, floatAttribute, intAttribute, type Node, operatorKey } from '../../onnx/graph.ts';
import { codeOfDataType } from '../../onnx/types.ts';
import { lookup } from '../../tensor/lookup.ts';
import { sizeOf } from '../../tensor/tensor.ts';
import type { RuleContext, VjpRule } from '../context.ts';
import { axesFrom, axisOf } from '../rules/axes.ts';
import { convolutionOf } from '../rules/convolution.ts';
import type { Convolution } from '../rules/convolution-input.ts';
import { standardise } from '../rules/standardise.ts';
import { transposedWindowsOf } from '../rules/windows.ts';
import type { Factor, FactorPair } from './factors.ts';
import { type RowLayouts, rowAxis } from './row-layout.ts';

/** What one use of a parameter adds to its gradient, row by row. */
export type Contribution =
  /** A sum of outer products, never multiplied out unless asked for. */
  | { readonly kind: 'factors'; readonly pair: FactorPair }
  /** The gradient itself, `[N, …shape]`: of a bias, a scale, anything small. */
  | { readonly kind: 'dense'; readonly gradient: string };

/** A place where a value of weights meets the data. */
export interface Meeting {
  /** Of the node; operations are appended through it. */
  readonly c: RuleContext;
  /** The node's input that holds the weights. */
  readonly index: number;
  /** Gradient of the node's first output. */
  readonly g: string;
  readonly layouts: RowLayouts;
  /** The vector-Jacobian product of the node. */
  readonly rule: VjpRule;
}

type ContributionRule = (meeting: Meeting) => Contribution | undefined;

/** The error of a use whose rows cannot be told apart. */
export function mixedRows(node: Node, value: string): WhereforeError {
  return new WhereforeError('unsupported-model', `the rows of a batch cannot be told apart in "${value}"`, {
    where: describeNode(node),
    fix: 'run it with one row a batch',
  });
}

/** A value with its rows in front and vectors of `width` elements last, `[N, T, width]`; undefined where it has none. */
function vectors({ c, layouts }: Meeting, value: string, of: string, width: number) {
  const shape = c.shape(of);
  const outer = layouts.outer.get(of);
  if (outer === undefined || outer === 'mixed') throw mixedRows(c.node, of);
  const inner = sizeOf(shape) / (outer * layouts.count);
  if (inner % width !== 0) return undefined;
  const positions = (outer * inner) / width;
  if (outer === 1) return { value: c.reshapeTo(value, shape, [layouts.count, positions, width]), positions };
  const split = c.reshape(value, [outer, layouts.count, inner / width, width]);
  return { value: c.reshape(c.transpose(split, [1, 0, 2, 3]), [layouts.count, positions, width]), positions };
}

function rowsFactor(value: string, width: number): Factor {
  return { kind: 'rows', value, width, order: 'last' };
}

/** `y = α·x·V`, for which the matrix is `[inputs, outputs]`, or `y = α·x·Vᵀ`. */
function behind(meeting: Meeting, { alpha, turned }: { alpha: number; turned: boolean }): Contribution | undefined {
  const { c, g, layouts } = meeting;
  const shape = c.inputShape(1);
  const [inputs, outputs] = turned ? [shape[1], shape[0]] : [shape[0], shape[1]];
  const a = vectors(meeting, c.input(0), c.input(0), inputs);
  const s = vectors(meeting, c.scale(g, alpha), c.output(), outputs);
  if (!a || !s || a.positions !== s.positions) return undefined;
  const [input, output] = [rowsFactor(a.value, inputs), rowsFactor(s.value, outputs)];
  const common = { rows: layouts.count, positions: a.positions, groups: 1 };
  const pair: FactorPair = turned
    ? { ...common, first: output, second: input, inputs: 'second' }
    : { ...common, first: input, second: output, inputs: 'first' };
  return { kind: 'factors', pair };
}

/** `y = V·x` for matrices of a batch: `[outputs, inputs] · [N, inputs, positions]`. */
function inFront(meeting: Meeting): Contribution | undefined {
  const { c, g, layouts } = meeting;
  const [outputs, inputs] = c.inputShape(0);
  const [x, y] = [c.inputShape(1), c.outputShape()];
  if (layouts.outer.get(c.input(1)) !== 1 || layouts.outer.get(c.output()) !== 1 || x.length !== 3) return undefined;
  const positions = x[2];
  const factor = (value: string, width: number): Factor => ({ kind: 'rows', value, width, order: 'first' });
  return y.length === 3
    ? {
        kind: 'factors',
        pair: {
          first: factor(g, outputs),
          second: factor(c.input(1), inputs),
          inputs: 'second',
          rows: layouts.count,
          positions,
          groups: 1,
        },
      }
    : undefined;
}

const matMul: ContributionRule = (meeting) => {
  const { c, index } = meeting;
  if (c.inputShape(index).length !== 2 || c.inputShape(1 - index).length < 2) return broadcast(meeting);
  return (index === 1 ? behind(meeting, { alpha: 1, turned: false }) : inFront(meeting)) ?? broadcast(meeting);
};

const gemm: ContributionRule = (meeting) => {
  const { c, g, index } = meeting;
  if (index === 2) {
    const beta = floatAttribute(c.node, 'beta', 1);
    return broadcast({ ...meeting, g: c.scale(g, beta), rule: (_, [gradient]) => [undefined, undefined, gradient] });
  }
  if (index === 0 || intAttribute(c.node, 'transA', 0)) return undefined;
  return behind(meeting, {
    alpha: floatAttribute(c.node, 'alpha', 1),
    turned: intAttribute(c.node, 'transB', 0) !== 0,
  });
};

/** `first` is the narrow side, `second` the windows of the wide one; both are channels first. */
function windows(meeting: Meeting, conv: Convolution, narrow: string, wide: string, inputs: 'first' | 'second') {
  const { c, layouts } = meeting;
  if (layouts.outer.get(c.input(0)) !== 1) throw mixedRows(c.node, c.input(0));
  const positions = sizeOf(conv.narrow);
  const value = c.reshape(narrow, [conv.batch, conv.outputs, positions]);
  const width = (conv.channels / conv.group) * sizeOf(conv.kernel);
  const pair: FactorPair = {
    first: { kind: 'rows', value, width: conv.outputs, order: 'first' },
    second: { kind: 'patches', value: wide, width, conv },
    inputs,
    rows: layouts.count,
    positions,
    groups: conv.group,
  };
  return { kind: 'factors', pair } as const;
}

const convolution: ContributionRule = (meeting) => {
  const { c, g, index } = meeting;
  if (index === 1) {
    const conv = convolutionOf(c.node, c.inputShape(0), c.inputShape(1), c.outputShape());
    return windows(meeting, conv, g, c.input(0), 'second');
  }
  return index === 2 ? perChannel(meeting, g) : undefined;
};

const transposedConvolution: ContributionRule = (meeting) => {
  const { c, g, index } = meeting;
  if (index === 2) return perChannel(meeting, g);
  if (index !== 1) return undefined;
  const [input, output, kernel] = [c.inputShape(0), c.outputShape(), c.inputShape(1).slice(2)];
  const conv: Convolution = {
    ...transposedWindowsOf(c.node, kernel, input.slice(2), output.slice(2)),
    batch: input[0],
    channels: output[1],
    outputs: input[1],
    group: intAttribute(c.node, 'group', 1),
  };
  return windows(meeting, conv, c.input(0), g, 'first');
};

/** A value `[N, channels, …]` summed over positions. */
function perChannel({ c, layouts }: Meeting, value: string): Contribution {
  if (layouts.outer.get(c.output()) !== 1) throw mixedRows(c.node, c.output());
  return { kind: 'dense', gradient: c.reduceSum(value, axesFrom(2, c.outputShape().length), false) };
}

/** Rows of a table taken by index. */
const embedding: ContributionRule = (meeting) => {
  const { c, g, index, layouts } = meeting;
  const shape = c.inputShape(0);
  if (index !== 0 || axisOf(intAttribute(c.node, 'axis', 0), shape.length) !== 0) return undefined;
  const width = sizeOf(shape.slice(1));
  const s = vectors(meeting, g, c.output(), width);
  const from = c.op('Cast', [c.input(1)], { to: codeOfDataType.int64 });
  const taken = vectors(meeting, from, c.input(1), 1);
  if (!s || !taken || s.positions !== taken.positions) return undefined;
  const given = c.reshape(taken.value, [layouts.count, s.positions]);
  const size = c.builder.scalar(shape[0], 'int64');
  const negative = c.op('Less', [given, c.builder.scalar(0, 'int64')]);
  const indices = c.op('Where', [negative, c.op('Add', [given, size]), given]);
  const pair: FactorPair = {
    first: { kind: 'one-hot', indices, width: shape[0] },
    second: rowsFactor(s.value, width),
    inputs: 'first',
    rows: layouts.count,
    positions: s.positions,
    groups: 1,
  };
  return { kind: 'factors', pair };
};

/** `y = γ·x̂ + β` over the last axes: the scale's gradient is the sum of `ȳ·x̂`, the bias's that of ȳ. */
const layerNormalization: ContributionRule = (meeting) => {
  const { c, g, index } = meeting;
  const rank = c.inputShape(0).length;
  const axes = axesFrom(axisOf(intAttribute(c.node, 'axis', -1), rank), rank);
  const inner = () => standardise(c, c.input(0), axes, floatAttribute(c.node, 'epsilon', 1e-5)).value;
  return affine(meeting, index === 1 ? c.mul(g, inner()) : g);
};

/** Sums a gradient at the output's shape over what a parameter was repeated along, rows apart. */
function affine(meeting: Meeting, gradient: string): Contribution | undefined {
  return broadcast({ ...meeting, g: gradient, rule: (c, [given]) => c.node.inputs.map(() => given) });
}

const batchNormalization: ContributionRule = (meeting) => {
  const { c, g, index } = meeting;
  if (intAttribute(c.node, 'training_mode', 0)) throw mixedRows(c.node, c.output());
  if (index === 2) return perChannel(meeting, g);
  if (index !== 1) return undefined;
  const [, , , mean, variance] = c.node.inputs;
  const wide = [
    1,
    c.inputShape(0)[1],
    ...c
      .inputShape(0)
      .slice(2)
      .map(() => 1),
  ];
  const epsilon = c.scalar(floatAttribute(c.node, 'epsilon', 1e-5));
  const inverse = c.op('Reciprocal', [c.op('Sqrt', [c.add(variance, epsilon)])]);
  const inner = c.mul(c.sub(c.input(0), c.reshape(mean, wide)), c.reshape(inverse, wide));
  return perChannel(meeting, c.mul(g, inner));
};

const instanceNormalization: ContributionRule = (meeting) => {
  const { c, g, index } = meeting;
  if (index === 2) return perChannel(meeting, g);
  const axes = axesFrom(2, c.inputShape(0).length);
  const inner = standardise(c, c.input(0), axes, floatAttribute(c.node, 'epsilon', 1e-5));
  return perChannel(meeting, c.mul(g, inner.value));
};

/**
 * A parameter that is repeated for every row: the node's own rule, asked for the gradient of a copy of the parameter
 * that has the axis of the rows, does not add up over it.
 */
function broadcast({ c, g, index, layouts, rule }: Meeting): Contribution | undefined {
  const shape = c.inputShape(index);
  const output = c.outputShape();
  const outer = layouts.outer.get(c.output());
  if (outer === undefined || outer === 'mixed') throw mixedRows(c.node, c.output());
  const rows = rowAxis(output, outer, layouts.count);
  if (!rows) return undefined;
  const aligned = [...new Array<number>(Math.max(0, output.length - shape.length)).fill(1), ...shape];
  if (aligned.length !== output.length || aligned[rows.axis] !== 1) return undefined;
  const repeated = aligned.map((size, axis) => (axis === rows.axis ? output[axis] : size));
  const copy = c.declare(c.expand(c.input(index), repeated), repeated);
  const inputs = c.node.inputs.map((name, i) => (i === index ? copy : name));
  const gradient = rule(
    c.withNode({ ...c.node, inputs }, (i) => i === index),
    [g],
  )[index];
  if (!gradient) return undefined;
  // Rules of one's own give the gradient of the output, those of the table that of the copy.
  const summed = c.unbroadcast(gradient, gradient === g ? output : repeated, repeated);
  const { axis, lead, trail } = rows;
  const before = sizeOf(repeated.slice(0, axis));
  const after = sizeOf(repeated.slice(axis + 1));
  const split = c.reshape(summed, [before, lead, layouts.count, trail, after]);
  const joined = c.reduceSum(split, [1, 3], false);
  const first = before === 1 ? joined : c.transpose(joined, [1, 0, 2]);
  return { kind: 'dense', gradient: c.reshape(first, [layouts.count, ...shape]) };
}

const broadcasting = ['Add', 'Sub', 'Mul', 'Div', 'Pow', 'PRelu', 'Max', 'Min', 'Mean', 'Sum', 'Where'];

const contributions: Readonly<Record<string, ContributionRule>> = {
  ...Object.fromEntries(broadcasting.map((op) => [op, broadcast])),
  MatMul: matMul,
  Gemm: gemm,
  Conv: convolution,
  ConvTranspose: transposedConvolution,
  Gather: embedding,
  LayerNormalization: layerNormalization,
  BatchNormalization: batchNormalization,
  InstanceNormalization: instanceNormalization,
  Expand: (meeting) => affine(meeting, meeting.g),
};

/** What a use adds to the gradients of its rows; undefined where its form is not known. */
export function contributionOf(meeting: Meeting): Contribution | undefined {
  return lookup(contributions, operatorKey(meeting.c.node))?.(meeting);
}
