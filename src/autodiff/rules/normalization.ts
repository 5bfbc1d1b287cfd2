import { floatAttribute, intAttribute } from '../../onnx/graph.ts';
import { convert } from '../../tensor/convert.ts';
import { float32, sizeOf } from '../../tensor/tensor.ts';
import type { RuleContext, VjpRule } from '../context.ts';
import { axesFrom, axisOf, keptShape } from './axes.ts';
import { type RuleTable, smooth, unary } from './entry.ts';
import { backThrough, type Standardised, standardise } from './standardise.ts';

/** Normalisation layers; those that are not here are rewritten to simpler operators before. */
export const normalization = {
  BatchNormalization: smooth(batchNormalization),
  InstanceNormalization: smooth(instanceNormalization),
  LayerNormalization: smooth(layerNormalization),
  LpNormalization: smooth(unary(lpNormalization), '0 where the norm is 0'),
  LRN: smooth(unary(localResponse)),
} satisfies RuleTable;

const epsilonOf = (c: RuleContext) => floatAttribute(c.node, 'epsilon', 1e-5);
const ones = (count: number) => Array.from({ length: count }, () => 1);

/**
 * y = scale·(x − mean)/√(variance + ε) + bias, per channel. In inference mode mean and variance are given; in training
 * mode they are the batch's own, and the gradient flows through them.
 */
function batchNormalization(c: RuleContext, [g, ...statistics]: readonly (string | undefined)[]): ReturnType<VjpRule> {
  if (statistics.some(Boolean)) {
    throw c.refuse('a gradient flows into its running statistics', 'export the model in inference mode');
  }
  if (!g) return [];
  const [x, scale, , mean, variance] = c.node.inputs;
  const shape = c.inputShape(0);
  const channels = shape.length > 1 ? shape[1] : 1;
  const wide = [1, channels, ...ones(shape.length - 2)];
  const others = [0, ...axesFrom(2, shape.length)];
  const sum = (value: string) => c.reduceSum(value, others, false);
  const spread = (value: string) => c.reshape(value, wide);
  if (intAttribute(c.node, 'training_mode', 0)) {
    const batch = standardise(c, x, others, epsilonOf(c));
    return [
      c.needs(0) ? backThrough(c, c.mul(g, spread(scale)), batch) : undefined,
      c.needs(1) ? sum(c.mul(g, batch.value)) : undefined,
      c.needs(2) ? sum(g) : undefined,
    ];
  }
  const inverse = c.op('Reciprocal', [c.op('Sqrt', [c.add(variance, c.scalar(epsilonOf(c), variance))])]);
  const total = c.needs(2) || c.needs(3) ? sum(g) : '';
  // Σ g·(x − mean), which the gradients of scale and variance share.
  const moment = c.needs(1) || c.needs(4) ? sum(c.mul(g, c.sub(x, spread(mean)))) : '';
  const cube = () => c.mul(inverse, c.mul(inverse, inverse));
  return [
    c.needs(0) ? c.mul(g, spread(c.mul(scale, inverse))) : undefined,
    c.needs(1) ? c.mul(moment, inverse) : undefined,
    c.needs(2) ? total : undefined,
    c.needs(3) ? c.neg(c.mul(total, c.mul(scale, inverse))) : undefined,
    c.needs(4) ? c.scale(c.mul(moment, c.mul(scale, cube())), -0.5, x) : undefined,
  ];
}

/** Scale and bias per channel around values standardised over each sample's positions. */
function instanceNormalization(c: RuleContext, [g]: readonly (string | undefined)[]): ReturnType<VjpRule> {
  if (!g) return [];
  const shape = c.inputShape(0);
  const inner = standardise(c, c.input(0), axesFrom(2, shape.length), epsilonOf(c));
  const others = [0, ...axesFrom(2, shape.length)];
  const wide = c.reshape(c.input(1), [1, shape[1], ...ones(shape.length - 2)]);
  return [
    c.needs(0) ? backThrough(c, c.mul(g, wide), inner) : undefined,
    c.needs(1) ? c.reduceSum(c.mul(g, inner.value), others, false) : undefined,
    c.needs(2) ? c.reduceSum(g, others, false) : undefined,
  ];
}

/**
 * y = scale·x̂ + bias with x̂ standardised over the axes from `axis` on. The forward node is asked for the mean and the
 * inverse deviation, which it has computed anyway; gradients may flow into these two outputs as well.
 */
function layerNormalization(c: RuleContext, gradients: readonly (string | undefined)[]): ReturnType<VjpRule> {
  const [g, gMean, gInverse] = gradients;
  const [x, scale] = [c.input(0), c.input(1)];
  const shape = c.inputShape(0);
  const start = axisOf(intAttribute(c.node, 'axis', -1), shape.length);
  const axes = axesFrom(start, shape.length);
  const count = sizeOf(shape.slice(start));
  const statistics = keptShape(shape, axes);
  let inner: Standardised;
  if (c.type(x) === 'float32') {
    const centred = c.sub(x, c.requestOutput(1, statistics, 'float32'));
    const inverse = c.requestOutput(2, statistics, 'float32');
    inner = { value: c.mul(centred, inverse), inverse, axes };
  } else inner = standardise(c, x, axes, epsilonOf(c));

  const parts: string[] = [];
  if (g) parts.push(backThrough(c, c.mul(g, scale), inner));
  if (gMean) parts.push(c.expand(c.scale(gMean, 1 / count, x), shape));
  // ∂σ⁻¹/∂x = −σ⁻²·x̂/n
  if (gInverse) {
    const square = c.mul(inner.inverse, inner.inverse);
    parts.push(c.mul(c.scale(c.mul(gInverse, square), -1 / count, x), inner.value));
  }
  return [
    c.needs(0) && parts.length ? parts.reduce((a, b) => c.add(a, b)) : undefined,
    g && c.needs(1) ? c.unbroadcast(c.mul(g, inner.value), shape, c.inputShape(1)) : undefined,
    g && c.needs(2) ? c.unbroadcast(g, shape, c.inputShape(2)) : undefined,
  ];
}

/** y = x/‖x‖ along one axis: (ȳ − ∂‖x‖·Σ ȳ·y)/‖x‖, taken as 0 where the norm is 0. */
function lpNormalization(c: RuleContext, g: string, x: string, y: string): string {
  const axis = axisOf(intAttribute(c.node, 'axis', -1), c.shape(x).length);
  const p = intAttribute(c.node, 'p', 2);
  const norm = c.op(p === 1 ? 'ReduceL1' : 'ReduceL2', [x, c.ints([axis])], {
    keepdims: 1,
  });
  const slope = p === 1 ? c.op('Sign', [x]) : y;
  const along = c.mul(slope, c.reduceSum(c.mul(g, y), [axis], true));
  const zero = c.op('Equal', [norm, c.scalar(0, x)]);
  return c.div(c.sub(g, along), c.op('Where', [zero, c.scalar(Number.POSITIVE_INFINITY, x), norm]));
}

/**
 * y = x·D^−β, D = k + α/n·Σ x² over a window of n channels: ȳ·D^−β − 2αβ/n·x·Σ' ȳ·x·D^(−β−1), where Σ' runs over the
 * channels whose window holds this one. Both sums are products with a banded matrix.
 */
function localResponse(c: RuleContext, g: string, x: string): string {
  const shape = c.shape(x);
  const channels = shape[1];
  const size = intAttribute(c.node, 'size', 1);
  const alpha = floatAttribute(c.node, 'alpha', 1e-4) / size;
  const beta = floatAttribute(c.node, 'beta', 0.75);
  const [before, after] = [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)];
  const band = (below: number, above: number) => {
    const values = Array.from({ length: channels * channels }, (_, at) => {
      const offset = (at % channels) - Math.floor(at / channels);
      return offset >= -below && offset <= above ? alpha : 0;
    });
    return c.constantTensor(convert(float32([channels, channels], values), c.type(x)));
  };
  const lines = [shape[0], channels, sizeOf(shape.slice(2))];
  const flat = c.reshapeTo(x, shape, lines);
  const flatG = c.reshapeTo(g, shape, lines);
  const windows = c.op('MatMul', [band(before, after), c.mul(flat, flat)]);
  const base = c.add(windows, c.scalar(floatAttribute(c.node, 'bias', 1), x));
  const direct = c.mul(flatG, c.op('Pow', [base, c.scalar(-beta, x)]));
  const weighted = c.op('MatMul', [band(after, before), c.mul(direct, c.div(flat, base))]);
  return c.reshapeTo(c.sub(direct, c.mul(c.scale(flat, 2 * beta, x), weighted)), lines, shape);
}
