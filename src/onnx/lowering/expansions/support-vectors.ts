import { mapped } from '../../../tensor/filled.ts';
import { lookup } from '../../../tensor/lookup.ts';
import { float32 } from '../../../tensor/tensor.ts';
import { floatsAttribute, intAttribute, intsAttribute, type Node, stringAttribute } from '../../graph.ts';
import { toInt64 } from '../../int64.ts';
import type { Rewriter } from '../rewrite.ts';
import { type Expansion, expressions, wants } from './expression.ts';
import { affine, asRows } from './linear-models.ts';
import { coupledProbabilities } from './pairwise-coupling.ts';
import { bothColumns, classLabels, largestClass, nameClasses, secondWhere, transformOf } from './scores.ts';

/** Similarities [batch, vectors] of x to each support vector s. */
type Kernel = (x: string, vectors: Vectors, to: Rewriter) => string;

interface Vectors {
  readonly values: readonly number[];
  readonly count: number;
  readonly features: number;
  readonly gamma: number;
  readonly shift: number;
  readonly degree: number;
}

/** γ·x·sᵀ + r. */
const scaledProducts: Kernel = (x, { values, count, features, gamma, shift }, to) =>
  to.op('Gemm', [x, to.constant(float32([count, features], values)), to.constant(float32([1], [shift]))], {
    alpha: { float: gamma },
    transB: 1,
  });

/**
 * exp(−γ‖x − s‖²), where ‖x − s‖² = ‖x − m‖² − 2(x − m)·(s − m) + ‖s − m‖²: with m the mean of the support vectors
 * little is lost to cancellation, and no array [batch, vectors, features] is made.
 */
const radial: Kernel = (x, { values, count, features, gamma }, to) => {
  const { add, mul, sub } = expressions(to);
  const mean = new Float32Array(features);
  for (let i = 0; i < values.length; i++) mean[i % features] += values[i] / count;
  const centred = mapped(Float32Array, values, (value, i) => value - mean[i % features]);
  const squares = new Float32Array(count);
  for (let i = 0; i < centred.length; i++) squares[Math.floor(i / features)] += centred[i] ** 2;
  const moved = sub(x, to.constant(float32([features], mean)));
  const products = to.op(
    'Gemm',
    [moved, to.constant(float32([count, features], centred)), to.constant(float32([count], squares))],
    { alpha: { float: -2 }, transB: 1 },
  );
  const distances = add(to.op('ReduceSum', [mul(moved, moved), to.ints([1])]), products);
  return to.op('Exp', [mul(to.scalar(-gamma), distances)]);
};

const kernels: Readonly<Record<string, Kernel>> = {
  LINEAR: (x, { values, count }, to) => affine(x, values, undefined, count, to),
  RBF: radial,
  POLY: (x, vectors, to) => to.op('Pow', [scaledProducts(x, vectors, to), to.scalar(vectors.degree)]),
  SIGMOID: (x, vectors, to) => expressions(to).tanh(scaledProducts(x, vectors, to)),
};

/** The kernel's values of the node's input, or why there are none. */
function similarities(node: Node, count: number, to: Rewriter): { readonly kernel: () => string } | { why: string } {
  const kernel = lookup(kernels, stringAttribute(node, 'kernel_type', 'LINEAR'));
  const values = floatsAttribute(node, 'support_vectors');
  if (!kernel) return { why: 'its kernel is not known' };
  if (!values || values.length < count || values.length % count)
    return { why: 'its support vectors do not fill a matrix' };
  const [gamma = 0, shift = 0, degree = 0] = floatsAttribute(node, 'kernel_params') ?? [];
  const features = values.length / count;
  const vectors = { values, count, features, gamma, shift, degree };
  return { kernel: () => kernel(asRows(node.inputs[0], features, to), vectors, to) };
}

/** Σ_s coefficient_s · K(x, s) + ρ; without support vectors x·coefficients + ρ; one class: the sign of it. */
const regressor: Expansion = (node, to) => {
  const { named } = expressions(to);
  const count = intAttribute(node, 'n_supports', 0);
  const weights = floatsAttribute(node, 'coefficients');
  const rho = floatsAttribute(node, 'rho');
  if (!weights?.length || !rho?.length) return 'it has no coefficients or no rho';
  let score: string;
  if (count > 0) {
    const found = similarities(node, count, to);
    if ('why' in found) return found.why;
    score = affine(found.kernel(), weights, [rho[0]], 1, to);
  } else score = affine(node.inputs[0], weights, [rho[0]], 1, to);
  if (intAttribute(node, 'one_class', 0) === 0) named(score, node.outputs[0]);
  else to.op('Where', [to.op('Greater', [score, to.scalar(0)]), to.scalar(1), to.scalar(-1)], {}, node.outputs[0]);
  return undefined;
};

const classifier: Expansion = (node, to) => {
  const labels = classLabels(node);
  const weights = floatsAttribute(node, 'coefficients');
  const rho = floatsAttribute(node, 'rho');
  if (!labels || !weights?.length || !rho?.length) return 'its labels, coefficients or rho are left out';
  const perClass = (intsAttribute(node, 'vectors_per_class') ?? []).map((size) => Number(toInt64(size)));
  return perClass.length
    ? pairwise(node, { labels, weights, rho, perClass }, to)
    : linear(node, labels, weights, rho[0], to);
};

/** One score x·wᵀ + ρ for each class (liblinear). */
function linear(
  node: Node,
  labels: readonly (string | number)[],
  weights: readonly number[],
  rho: number,
  to: Rewriter,
): string | undefined {
  const { named } = expressions(to);
  const count = labels.length;
  const transform = transformOf(stringAttribute(node, 'post_transform', 'NONE'), count);
  if (!transform || weights.length % count) return 'its coefficients do not fill a matrix';
  const raw = affine(node.inputs[0], weights, new Array<number>(count).fill(rho), count, to);
  if (wants(node, 0, to)) {
    const largest = largestClass(raw, to);
    // Of two classes the second is meant as soon as the larger score is positive (or 0.5, where no weight is negative).
    const top = to.op('ReduceMax', [raw, to.ints([1])]);
    const isPositive = weights.every((weight) => weight >= 0)
      ? to.op('GreaterOrEqual', [top, to.scalar(0.5)])
      : to.op('Greater', [top, to.scalar(0)]);
    const classes = count === 2 ? to.op('Max', [largest, secondWhere(isPositive, to)]) : largest;
    nameClasses(labels, classes, node.outputs[0], to);
  }
  if (node.outputs[1]) named(transform(raw, to), node.outputs[1]);
  return undefined;
}

interface Pairwise {
  readonly labels: readonly (string | number)[];
  readonly weights: readonly number[];
  readonly rho: readonly number[];
  readonly perClass: readonly number[];
}

/** Coupling lays out some hundred nodes for each class. */
const mostCoupled = 64;

/** One score for each pair of classes (libsvm), from the support vectors of these two. */
function pairwise(node: Node, { labels, weights, rho, perClass }: Pairwise, to: Rewriter): string | undefined {
  const { named } = expressions(to);
  const count = labels.length;
  const vectors = perClass.reduce((sum, size) => sum + size, 0);
  const pairCount = (count * (count - 1)) / 2;
  const [a = [], b = []] = ['prob_a', 'prob_b'].map((name) => floatsAttribute(node, name));
  const isProbability = a.length > 0 && b.length > 0;
  const name = stringAttribute(node, 'post_transform', 'NONE');
  const columns = isProbability ? count : pairCount;
  const transform = transformOf(name, columns);
  const found = similarities(node, vectors, to);
  if ('why' in found) return found.why;
  if (!transform || count < 2 || perClass.length !== count || perClass.some((size) => size < 0))
    return 'its attributes do not fit together';
  if (weights.length < (count - 1) * vectors || rho.length < pairCount) return 'it has too few coefficients or rho';
  if (isProbability && (a.length < pairCount || b.length < pairCount)) return 'it has too few prob_a or prob_b';
  if (isProbability && count > mostCoupled) return `it couples the probabilities of more than ${mostCoupled} classes`;
  if (columns === 1 && name === 'PROBIT') return 'one score of two classes has no PROBIT';

  const pairs = pairsOf(count);
  const raw = affine(found.kernel(), pairWeights(weights, perClass), rho.slice(0, pairCount), pairCount, to);
  if (wants(node, 0, to)) nameClasses(labels, largestClass(votes(raw, pairs, count, to), to), node.outputs[0], to);
  const [, output] = node.outputs;
  if (!output) return undefined;
  if (isProbability)
    named(
      transform(coupledProbabilities(raw, { a: a.slice(0, pairCount), b: b.slice(0, pairCount), count }, to), to),
      output,
    );
  else if (columns > 1) named(transform(raw, to), output);
  else bothColumns(raw, name, name === 'NONE', output, to);
  return undefined;
}

/** (0, 1), (0, 2) … (1, 2) …, in the order of the scores. */
function pairsOf(count: number): readonly (readonly [number, number])[] {
  const classes = Array.from({ length: count }, (_, i) => i);
  return classes.flatMap((i) => classes.slice(i + 1).map((j) => [i, j] as const));
}

/**
 * The coefficients of each pair [pairs, vectors], from libsvm's [classes − 1, vectors]: for classes i < j row j − 1 for the
 * support vectors of i, row i for those of j, 0 for others.
 */
function pairWeights(weights: readonly number[], perClass: readonly number[]): number[] {
  const owner = perClass.flatMap((size, i) => new Array<number>(size).fill(i));
  return pairsOf(perClass.length).flatMap(([i, j]) =>
    owner.map((of, vector) =>
      of === i ? weights[(j - 1) * owner.length + vector] : of === j ? weights[i * owner.length + vector] : 0,
    ),
  );
}

/** How many pairs each class wins [batch, classes]: a positive score is a vote for the first of the pair. */
function votes(raw: string, pairs: readonly (readonly [number, number])[], count: number, to: Rewriter): string {
  const { add, cast, matmul, sub } = expressions(to);
  const toFirst = new Float32Array(pairs.length * count);
  const toSecond = new Float32Array(pairs.length * count);
  for (const [row, [i, j]] of pairs.entries()) {
    toFirst[row * count + i] = 1;
    toSecond[row * count + j] = 1;
  }
  const wins = cast(to.op('Greater', [raw, to.scalar(0)]), 'float32');
  const [first, second] = [toFirst, toSecond].map((matrix) => to.constant(float32([pairs.length, count], matrix)));
  return add(matmul(wins, first), matmul(sub(to.scalar(1), wins), second));
}

export const supportVectorExpansions: Readonly<Record<string, Expansion>> = {
  'ai.onnx.ml.SVMRegressor': regressor,
  'ai.onnx.ml.SVMClassifier': classifier,
};
