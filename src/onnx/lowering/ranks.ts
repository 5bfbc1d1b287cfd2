import { maxOf } from '../../tensor/extremes.ts';
import { lookup } from '../../tensor/lookup.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { type Graph, intAttribute, intsAttribute, type Node, operatorKey } from '../graph.ts';
import { operatorsThat } from '../operators.ts';

type RankOf = (name: string | undefined) => number | undefined;
type ConstantOf = (name: string) => Tensor | undefined;
/** The rank of every output, or one for each. */
type Ranks = number | undefined | readonly (number | undefined)[];
type RankRule = (node: Node, rankOf: RankOf, constantOf: ConstantOf) => Ranks;

const likeFirst: RankRule = (node, rankOf) => rankOf(node.inputs[0]);
const broadcast: RankRule = (node, rankOf) => {
  const ranks = node.inputs.map(rankOf);
  return ranks.every((rank) => rank !== undefined) ? maxOf(ranks as number[]) : undefined;
};
const always =
  (rank: number): RankRule =>
  () =>
    rank;
/** Number of axes that a node names, in its attribute (older versions) or its second input (newer ones). */
const axisCount = (node: Node, constantOf: ConstantOf): number | undefined =>
  intsAttribute(node, 'axes')?.length ?? (node.inputs[1] ? constantOf(node.inputs[1])?.data.length : undefined);
const plus = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : a + b;

const reduction: RankRule = (node, rankOf, constantOf) => {
  const rank = rankOf(node.inputs[0]);
  if (intAttribute(node, 'keepdims', 1) !== 0) return rank;
  const named = axisCount(node, constantOf);
  if (named) return plus(rank, -named);
  return named === undefined && node.inputs[1] ? undefined : 0;
};

const product: RankRule = (node, rankOf) => {
  const [a, b] = node.inputs.map(rankOf);
  if (a === undefined || b === undefined) return undefined;
  return Math.max(a, b, 2) - (a === 1 ? 1 : 0) - (b === 1 ? 1 : 0);
};

const rules: Readonly<Record<string, RankRule>> = {
  ...Object.fromEntries([...operatorsThat(({ rank }) => rank === 'same')].map((op) => [op, likeFirst])),
  ...Object.fromEntries([...operatorsThat(({ broadcasts }) => broadcasts === true)].map((op) => [op, broadcast])),
  ...Object.fromEntries(
    'L1 L2 LogSum LogSumExp Max Mean Min Prod Sum SumSquare'.split(' ').map((kind) => [`Reduce${kind}`, reduction]),
  ),
  ...Object.fromEntries(
    'FeatureVectorizer LinearRegressor SVMRegressor'.split(' ').map((op) => [`ai.onnx.ml.${op}`, always(2)]),
  ),
  'ai.onnx.ml.ArrayFeatureExtractor': (node, rankOf) => {
    const rank = rankOf(node.inputs[0]);
    return rank === undefined ? undefined : Math.max(rank, 2);
  },
  'ai.onnx.ml.LinearClassifier': () => [1, 2],
  'ai.onnx.ml.SVMClassifier': () => [1, 2],
  'ai.onnx.ml.TreeEnsembleClassifier': () => [1, 2],
  'ai.onnx.ml.OneHotEncoder': (node, rankOf) => plus(rankOf(node.inputs[0]), 1),
  'com.microsoft.Attention': always(3),
  'com.microsoft.GroupQueryAttention': always(3),
  'com.microsoft.MultiHeadAttention': always(3),
  'com.microsoft.EmbedLayerNormalization': always(3),
  'com.microsoft.QAttention': () => [3, 5],
  'com.microsoft.QEmbedLayerNormalization': () => [3, 1],
  'com.microsoft.QGemm': always(2),
  'com.microsoft.FusedGemm': always(2),
  'com.microsoft.FusedMatMul': product,
  'com.microsoft.TransposeMatMul': product,
  DFT: (node, rankOf) => {
    const rank = rankOf(node.inputs[0]);
    return rank === undefined ? undefined : Math.max(rank, 3);
  },
  STFT: always(4),
  Flatten: always(2),
  Gemm: always(2),
  DynamicQuantizeLinear: (node, rankOf) => [rankOf(node.inputs[0]), 0, 0],
  NonZero: always(2),
  Shape: always(1),
  Range: always(1),
  Size: always(0),
  ArgMax: (node, rankOf) => plus(rankOf(node.inputs[0]), intAttribute(node, 'keepdims', 1) ? 0 : -1),
  ArgMin: (node, rankOf) => plus(rankOf(node.inputs[0]), intAttribute(node, 'keepdims', 1) ? 0 : -1),
  MatMul: product,
  Gather: (node, rankOf) => plus(plus(rankOf(node.inputs[0]), rankOf(node.inputs[1])), -1),
  GatherElements: (node, rankOf) => rankOf(node.inputs[1]),
  OneHot: (node, rankOf) => plus(rankOf(node.inputs[0]), 1),
  Reshape: (node, _, constantOf) => constantOf(node.inputs[1])?.data.length,
  ConstantOfShape: (node, _, constantOf) => constantOf(node.inputs[0])?.data.length,
  Expand: (node, rankOf, constantOf) => {
    const rank = rankOf(node.inputs[0]);
    const target = constantOf(node.inputs[1])?.data.length;
    return rank === undefined || target === undefined ? undefined : Math.max(rank, target);
  },
  Unsqueeze: (node, rankOf, constantOf) => plus(rankOf(node.inputs[0]), axisCount(node, constantOf)),
  Squeeze: (node, rankOf, constantOf) => {
    const count = axisCount(node, constantOf);
    return plus(rankOf(node.inputs[0]), count === undefined ? undefined : -count);
  },
};

/**
 * Number of axes of every value of a graph that can be told without running it; others are absent.
 *
 * @param outer ranks of the values around a nested graph
 */
export function inferRanks(
  graph: Graph,
  constantOf: ConstantOf,
  outer: ReadonlyMap<string, number> = new Map(),
): Map<string, number> {
  const ranks = new Map(outer);
  const declare = (name: string, rank: number | undefined) => {
    if (name && rank !== undefined) ranks.set(name, rank);
  };
  for (const value of [...graph.values.values(), ...graph.outputs, ...graph.inputs])
    declare(value.name, value.shape?.length);
  for (const initializer of graph.initializers.values()) declare(initializer.name, initializer.shape.length);
  const rankOf: RankOf = (name) => (name ? ranks.get(name) : undefined);
  for (const node of graph.nodes) {
    const rule = lookup(rules, operatorKey(node));
    if (!rule) continue;
    const rank = rule(node, rankOf, constantOf);
    // A first output whose rank the file states keeps it; the others of these operators have the first one's rank.
    for (const [i, name] of node.outputs.entries())
      if (!ranks.has(name)) declare(name, typeof rank === 'object' ? rank[i] : rank);
  }
  return ranks;
}
