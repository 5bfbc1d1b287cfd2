import { lookup } from '../../../tensor/lookup.ts';
import { float32 } from '../../../tensor/tensor.ts';
import { floatAttribute, floatsAttribute, intsAttribute, stringAttribute } from '../../graph.ts';
import type { Rewriter } from '../rewrite.ts';
import { type Expansion, expressions } from './expression.ts';

// What scikit-learn's steps before a model become (domain ai.onnx.ml). All compute in float32, as the runtime does.

/** x in float32, whatever numbers it holds. */
export const asFloat = (x: string, to: Rewriter): string =>
  to.typeOf(x) === 'float32' ? x : expressions(to).cast(x, 'float32');

const perFeature = (values: readonly number[], to: Rewriter): string => to.constant(float32([values.length], values));

/** (x − offset) · scale, one of each for every feature or for all. */
const scaler: Expansion = (node, to) => {
  const { mul, sub } = expressions(to);
  const [offset, scale] = ['offset', 'scale'].map((name) => floatsAttribute(node, name));
  if (!offset || !scale) return 'it has no offset or no scale';
  mul(sub(asFloat(node.inputs[0], to), perFeature(offset, to)), perFeature(scale, to), node.outputs[0]);
  return undefined;
};

/** What each norm divides a row by. MAX is the largest element, signs kept, as the runtime has it. */
const norms: Readonly<Record<string, (x: string, to: Rewriter) => string>> = {
  MAX: (x, to) => to.op('ReduceMax', [x, to.ints([-1])]),
  L1: (x, to) => to.op('ReduceSum', [to.op('Abs', [x]), to.ints([-1])]),
  L2: (x, to) => to.op('ReduceL2', [x, to.ints([-1])]),
};

/** A row over its norm; a row of norm 0 stays. */
const normalizer: Expansion = (node, to) => {
  const { div } = expressions(to);
  const reduction = lookup(norms, stringAttribute(node, 'norm', 'MAX'));
  if (!reduction) return 'its norm is not known';
  const x = asFloat(node.inputs[0], to);
  const norm = reduction(x, to);
  // A row of zeros stays one.
  const divisor = to.op('Where', [to.op('Equal', [norm, to.scalar(0)]), to.scalar(1), norm]);
  div(x, divisor, node.outputs[0]);
  return undefined;
};

/** Missing values (NaN, or one number) replaced by that of their feature. Integers are compared exactly. */
const imputer: Expansion = (node, to) => {
  const [x] = node.inputs;
  const floats = floatsAttribute(node, 'imputed_value_floats');
  const ints = intsAttribute(node, 'imputed_value_int64s');
  if (ints && !floats) {
    const missing = node.attributes.replaced_value_int64;
    const replaced = to.scalar(missing?.kind === 'int' ? missing.value : 0, 'int64');
    to.op('Where', [to.op('Equal', [x, replaced]), to.ints(ints), x], {}, node.outputs[0]);
    return undefined;
  }
  if (!floats) return 'it has no values to impute';
  const replaced = floatAttribute(node, 'replaced_value_float', 0);
  const isMissing = Number.isNaN(replaced) ? to.op('IsNaN', [x]) : to.op('Equal', [x, to.scalar(replaced)]);
  to.op('Where', [isMissing, perFeature(floats, to), x], {}, node.outputs[0]);
  return undefined;
};

/** 1 where x > threshold, else 0. */
const binarizer: Expansion = (node, to) => {
  const [x] = node.inputs;
  const type = to.typeOf(x);
  if (type === undefined) return 'the type of its input is not known';
  const threshold = to.scalar(floatAttribute(node, 'threshold', 0), type);
  to.op('CastLike', [to.op('Greater', [x, threshold]), x], {}, node.outputs[0]);
  return undefined;
};

/** Columns of the last axis by their numbers; of a row [C] it makes a matrix [1, k]. */
const arrayFeatureExtractor: Expansion = (node, to) => {
  const { gather, reshape } = expressions(to);
  const [x, indices] = node.inputs;
  const [rank, indexRank] = [to.rankOf(x), to.rankOf(indices)];
  if (rank === undefined) return 'the rank of its input is not known';
  const flat = indexRank === 1 ? indices : reshape(indices, [-1]);
  if (rank > 1) gather(x, flat, rank - 1, node.outputs[0]);
  else reshape(gather(x, flat, 0), [1, -1], node.outputs[0]);
  return undefined;
};

/** Its inputs side by side, each cut, or filled with zeros, to the width that it is given. */
const featureVectorizer: Expansion = (node, to) => {
  const { concat, reshape } = expressions(to);
  const widths = intsAttribute(node, 'inputdimensions');
  if (widths?.length !== node.inputs.length) return 'it does not say how wide its inputs are';
  const parts = node.inputs.map((x, i) => {
    const rank = to.rankOf(x);
    const rows = rank === 2 ? asFloat(x, to) : reshape(asFloat(x, to), rank === 1 ? [1, -1] : [0, -1]);
    const padded = to.op('Pad', [rows, to.ints([0, widths[i]]), '', to.ints([1])]);
    return to.op('Slice', [padded, to.ints([0]), to.ints([widths[i]]), to.ints([1])]);
  });
  concat(parts, 1, node.outputs[0]);
  return undefined;
};

export const featureExpansions: Readonly<Record<string, Expansion>> = {
  'ai.onnx.ml.Scaler': scaler,
  'ai.onnx.ml.Normalizer': normalizer,
  'ai.onnx.ml.Imputer': imputer,
  'ai.onnx.ml.Binarizer': binarizer,
  'ai.onnx.ml.ArrayFeatureExtractor': arrayFeatureExtractor,
  'ai.onnx.ml.FeatureVectorizer': featureVectorizer,
};
