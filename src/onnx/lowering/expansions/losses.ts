import { intAttribute, stringAttribute } from '../../graph.ts';
import { codeOfDataType } from '../../types.ts';
import type { Rewriter } from '../rewrite.ts';
import { type Expansion, expressions } from './expression.ts';

/**
 * -weight[label] · logProbability[label], averaged by weight, summed, or as it is; a label equal to ignore_index
 * has no weight. logProbability is batch × classes × …, labels batch × ….
 */
function negativeLogLikelihood(
  logProbability: string,
  labels: string,
  weights: string,
  options: { readonly ignored: number | undefined; readonly reduction: string },
  output: string,
  to: Rewriter,
): void {
  const { div, gather, mul, unsqueeze } = expressions(to);
  const wide = to.op('Cast', [labels], { to: codeOfDataType.int64 });
  const ignored = options.ignored === undefined ? '' : to.op('Equal', [wide, to.scalar(options.ignored, 'int64')]);
  // An ignored label may be no class at all: look up class 0 in its place, with weight 0.
  const safe = ignored ? to.op('Where', [ignored, to.scalar(0, 'int64'), wide]) : wide;
  const column = unsqueeze(safe, [1]);
  const picked = to.op('Squeeze', [to.op('GatherElements', [logProbability, column], { axis: 1 }), to.ints([1])]);
  const loss = to.op('Neg', [picked]);
  const one = to.op('CastLike', [to.scalar(1), logProbability]);
  let weight = weights ? gather(weights, safe, 0) : '';
  if (ignored) weight = to.op('Where', [ignored, to.op('CastLike', [to.scalar(0), logProbability]), weight || one]);
  const weighted = weight ? mul(loss, weight) : loss;
  const sum = (x: string, name?: string) => to.op('ReduceSum', [x], { keepdims: 0 }, name);
  if (options.reduction === 'none') to.op('Identity', [weighted], {}, output);
  else if (options.reduction === 'sum') sum(weighted, output);
  else if (weight) div(sum(weighted), sum(weight), output);
  else to.op('ReduceMean', [weighted], { keepdims: 0 }, output);
}

const optionsOf = (node: Parameters<Expansion>[0]) => ({
  ignored: intAttribute(node, 'ignore_index'),
  reduction: stringAttribute(node, 'reduction', 'mean'),
});

const nll: Expansion = (node, to) => {
  const [input, labels, weights = ''] = node.inputs;
  negativeLogLikelihood(input, labels, weights, optionsOf(node), node.outputs[0], to);
  return undefined;
};

const softmaxCrossEntropy: Expansion = (node, to) => {
  const [scores, labels, weights = ''] = node.inputs;
  const logProbability = to.op('LogSoftmax', [scores], { axis: 1 }, node.outputs[1] || undefined);
  negativeLogLikelihood(logProbability, labels, weights, optionsOf(node), node.outputs[0], to);
  return undefined;
};

export const lossExpansions: Readonly<Record<string, Expansion>> = {
  NegativeLogLikelihoodLoss: nll,
  SoftmaxCrossEntropyLoss: softmaxCrossEntropy,
};
