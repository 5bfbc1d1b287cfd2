import { float32 } from '../../../tensor/tensor.ts';
import { floatsAttribute, intAttribute, type Node, stringAttribute } from '../../graph.ts';
import type { Rewriter } from '../rewrite.ts';
import { type Expansion, expressions, wants } from './expression.ts';
import { asFloat } from './features.ts';
import { bothColumns, classLabels, largestClass, nameClasses, secondWhere, transformOf } from './scores.ts';

/** x [batch, features], in float32; a single row [features] becomes a batch of one. */
export function asRows(x: string, features: number, to: Rewriter): string {
  const numbers = asFloat(x, to);
  return to.rankOf(x) === 2 ? numbers : expressions(to).reshape(numbers, [-1, features]);
}

/** x·Wᵀ + b, W [rows, features] by rows. */
export function affine(
  x: string,
  weights: readonly number[],
  bias: readonly number[] | undefined,
  rows: number,
  to: Rewriter,
): string {
  const features = weights.length / rows;
  const inputs = [asRows(x, features, to), to.constant(float32([rows, features], weights))];
  if (bias) inputs.push(to.constant(float32([rows], bias)));
  return to.op('Gemm', inputs, { transB: 1 });
}

const linearRegressor: Expansion = (node, to) => {
  const { named } = expressions(to);
  const weights = floatsAttribute(node, 'coefficients');
  const targets = intAttribute(node, 'targets', 1);
  const intercepts = floatsAttribute(node, 'intercepts');
  const transform = transformOf(stringAttribute(node, 'post_transform', 'NONE'), targets);
  if (!weights?.length || weights.length % targets) return 'it has no coefficients for each of its targets';
  if (!transform) return 'its post_transform is not known';
  const bias = intercepts?.length === targets ? intercepts : undefined;
  named(transform(affine(node.inputs[0], weights, bias, targets, to), to), node.outputs[0]);
  return undefined;
};

/**
 * Scores x·Wᵀ + b, and the label of the largest. One score for two labels is that of the second.
 */
const linearClassifier: Expansion = (node, to) => {
  const { named } = expressions(to);
  const weights = floatsAttribute(node, 'coefficients');
  const intercepts = floatsAttribute(node, 'intercepts') ?? [];
  const count = intercepts.length;
  const labels = classLabels(node);
  const isPair = count === 1 && labels?.length === 2;
  const name = stringAttribute(node, 'post_transform', 'NONE');
  const transform = transformOf(name, count);
  if (!weights?.length || !labels || count === 0 || weights.length % count)
    return 'its coefficients or labels are left out';
  if (!transform) return 'its post_transform is not known';
  if (count === 1 && labels.length !== 2) return 'one score needs two labels';
  if (isPair && name === 'PROBIT') return 'one score of two classes has no PROBIT';
  const raw = affine(node.inputs[0], weights, intercepts, count, to);
  if (wants(node, 0, to)) writeLabels(node, raw, count, labels, to);
  const [, scores] = node.outputs;
  if (scores && isPair) bothColumns(raw, name, false, scores, to);
  else if (scores) named(transform(raw, to), scores);
  return undefined;
};

function writeLabels(node: Node, raw: string, count: number, labels: readonly (string | number)[], to: Rewriter): void {
  if (count > 1) {
    nameClasses(labels, largestClass(raw, to), node.outputs[0], to);
    return;
  }
  nameClasses(labels, secondWhere(to.op('Greater', [raw, to.scalar(0)]), to), node.outputs[0], to);
}

export const linearModelExpansions: Readonly<Record<string, Expansion>> = {
  'ai.onnx.ml.LinearRegressor': linearRegressor,
  'ai.onnx.ml.LinearClassifier': linearClassifier,
};
