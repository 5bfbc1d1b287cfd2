import { floatAttribute, intAttribute, intsAttribute, type Node } from '../../graph.ts';
import type { Rewriter } from '../rewrite.ts';
import { constantLike, scalarLike } from '../upgraders/attributes.ts';
import { type Expansion, epsilonOf, expressions, inputOf, wants } from './expression.ts';

/** The sum of input, skip and bias, under the name of the fourth output where that is asked for. */
function residual(node: Node, bias: string, to: Rewriter): string {
  const { add } = expressions(to);
  const [x, skip] = node.inputs;
  const output = node.outputs[3] || undefined;
  return bias ? add(add(x, skip), bias, output) : add(x, skip, output);
}

const skipLayerNormalization: Expansion = (node, to) => {
  const [, , gamma] = node.inputs;
  const sum = residual(node, inputOf(node, 4), to);
  to.ops(
    'LayerNormalization',
    [sum, gamma, inputOf(node, 3)],
    { axis: -1, ...epsilonOf(node, 1e-12) },
    statistics(node),
  );
  return undefined;
};

/** The first three outputs without trailing ones that are left out. */
function statistics(node: Node): string[] {
  const outputs = node.outputs.slice(0, 3);
  while (outputs.at(-1) === '') outputs.pop();
  return outputs;
}

/** x / sqrt(mean(x²) + epsilon) · scale over the given axes; names of the inverse deviation and of the result. */
function rootMeanSquare(
  x: string,
  scale: string,
  axes: readonly number[],
  epsilon: number,
  deviation: string | undefined,
  output: string,
  to: Rewriter,
): void {
  const { add, mul, sqrt } = expressions(to);
  const square = to.op('ReduceMean', [mul(x, x), to.ints(axes)], { keepdims: 1 });
  const inverse = to.op('Reciprocal', [sqrt(add(square, scalarLike(epsilon, x, to)))], {}, deviation);
  mul(mul(x, inverse), scale, output);
}

/** RMSNormalization of opset 23, and the runtime's older operator of the same meaning. */
const simplified: Expansion = (node, to) => {
  const [x, scale] = node.inputs;
  const axis = intAttribute(node, 'axis', -1);
  const rank = to.rankOf(x);
  if (axis >= 0 && rank === undefined) return 'the rank of its input is not known';
  const first = axis < 0 ? axis : axis - (rank as number);
  const axes = Array.from({ length: -first }, (_, i) => first + i);
  rootMeanSquare(
    x,
    scale,
    axes,
    floatAttribute(node, 'epsilon', 1e-5),
    node.outputs[1] || undefined,
    node.outputs[0],
    to,
  );
  return undefined;
};

const skipSimplified: Expansion = (node, to) => {
  if (wants(node, 1, to)) return 'its mean is read';
  const sum = residual(node, inputOf(node, 3), to);
  rootMeanSquare(
    sum,
    node.inputs[2],
    [-1],
    floatAttribute(node, 'epsilon', 1e-12),
    node.outputs[2] || undefined,
    node.outputs[0],
    to,
  );
  return undefined;
};

/**
 * LayerNormalization of word + position + segment embeddings.
 *
 * @param real turns rows of input `index` (or the whole of it) into real numbers, where they are stored as integers
 */
export function embedThenNormalise(
  node: Node,
  positionIds: string,
  real: (rows: string, index: number) => string,
  to: Rewriter,
): void {
  const { add, cast, dimension, gather } = expressions(to);
  const [ids, segments, words, positions, segmentTable] = node.inputs;
  const mask = inputOf(node, 7);
  const [gamma, beta] = [5, 6].map((index) => real(node.inputs[index], index));
  const [output, maskIndex = '', sum = ''] = node.outputs;
  const position = positionIds
    ? gather(positions, positionIds, 0)
    : to.op('Slice', [positions, to.ints([0]), dimension(ids, 1), to.ints([0])]);
  const parts = [
    real(gather(words, ids, 0), 2),
    real(position, 3),
    ...(segments ? [real(gather(segmentTable, segments, 0), 4)] : []),
  ];
  const last = parts.pop() as string;
  const embedded = add(
    parts.reduce((a, b) => add(a, b)),
    last,
    sum || undefined,
  );
  to.ops('LayerNormalization', [embedded, gamma, beta], { axis: -1, ...epsilonOf(node, 1e-12) }, [output]);
  if (maskIndex) {
    // How many tokens of each sequence count; zeros where there is no mask.
    const counted = mask || to.op('Sub', [ids, ids]);
    cast(to.op('ReduceSum', [cast(counted, 'int64'), to.ints([1])], { keepdims: 0 }), 'int32', maskIndex);
  }
}

const embedLayerNormalization: Expansion = (node, to) => {
  embedThenNormalise(node, inputOf(node, 8), (rows) => rows, to);
  return undefined;
};

/** Per-channel scale and bias after normalization over groups of channels, N×C×… */
function groups(
  x: string,
  scale: string,
  bias: string,
  count: number,
  epsilon: number,
  output: string | undefined,
  to: Rewriter,
  rank?: number,
): string {
  const { add, concat, mul, reshape, shape } = expressions(to);
  const [ones, zeros] = [1, 0].map((value) => constantLike([count], new Array<number>(count).fill(value), x, to));
  const grouped = to.op('InstanceNormalization', [reshape(x, [0, count, -1]), ones, zeros], {
    epsilon: { float: epsilon },
  });
  const normalized = to.op('Reshape', [grouped, shape(x)]);
  // Scale and bias as C×1×…×1: one axis fewer than x, or a shape made from x's where its rank is not known.
  const perChannel = (values: string): string => {
    if (rank !== undefined) return reshape(values, [-1, ...new Array<number>(rank - 2).fill(1)]);
    const trailing = to.op('Sub', [to.op('Shape', [to.op('Shape', [x])]), to.ints([2])]);
    const ending = to.op('Expand', [to.ints([1]), trailing]);
    return to.op('Reshape', [values, concat([to.ints([-1]), ending], 0)]);
  };
  return add(mul(normalized, perChannel(scale)), perChannel(bias), output);
}

/** GroupNormalization since 21, whose scale and bias are per channel; older ones are gone after the upgrade. */
const groupNormalization: Expansion = (node, to) => {
  const [x, scale, bias] = node.inputs;
  const epsilon = floatAttribute(node, 'epsilon', 1e-5);
  groups(x, scale, bias, intAttribute(node, 'num_groups', 1), epsilon, node.outputs[0], to, to.rankOf(x));
  return undefined;
};

/** The runtime's group normalization: N×H×W×C unless told otherwise, with an optional x·sigmoid(x) after it. */
const groupNorm: Expansion = (node, to) => {
  const { add, mul, named, sigmoid, transpose } = expressions(to);
  const [x, gamma, beta, skip = '', bias = ''] = node.inputs;
  const last = intAttribute(node, 'channels_last', 1) === 1;
  let summed = x;
  if (skip) {
    if (to.rankOf(skip) !== 4) return 'its skip input is not known to have four axes';
    summed = bias ? add(add(x, skip), bias) : add(x, skip);
    if (node.outputs[1]) named(summed, node.outputs[1]);
  }
  const input = last ? transpose(summed, [0, 3, 1, 2]) : summed;
  const epsilon = floatAttribute(node, 'epsilon', 1e-5);
  const normalized = groups(input, gamma, beta, intAttribute(node, 'groups', 1), epsilon, undefined, to, 4);
  const active = intAttribute(node, 'activation', 0) === 1 ? mul(normalized, sigmoid(normalized)) : normalized;
  if (last) transpose(active, [0, 2, 3, 1], node.outputs[0]);
  else named(active, node.outputs[0]);
  return undefined;
};

/** (x - mean) / (standard deviation + 1e-9). */
const meanVariance: Expansion = (node, to) => {
  const { add, div, mul, sqrt, sub } = expressions(to);
  const [x] = node.inputs;
  const mean = (value: string) =>
    to.op('ReduceMean', [value, to.ints(intsAttribute(node, 'axes') ?? [0, 2, 3])], { keepdims: 1 });
  const centred = sub(x, mean(x));
  const deviation = sqrt(mean(mul(centred, centred)));
  div(centred, add(deviation, scalarLike(1e-9, x, to)), node.outputs[0]);
  return undefined;
};

export const normalizationExpansions: Readonly<Record<string, Expansion>> = {
  'com.microsoft.SkipLayerNormalization': skipLayerNormalization,
  'com.microsoft.SkipSimplifiedLayerNormalization': skipSimplified,
  'com.microsoft.EmbedLayerNormalization': embedLayerNormalization,
  'com.microsoft.SimplifiedLayerNormalization': simplified,
  SimplifiedLayerNormalization: simplified,
  RMSNormalization: simplified,
  GroupNormalization: groupNormalization,
  'com.microsoft.GroupNorm': groupNorm,
  'com.microsoft.SkipGroupNorm': groupNorm,
  MeanVarianceNormalization: meanVariance,
};
