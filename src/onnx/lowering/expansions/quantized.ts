import { intAttribute, type Node } from '../../graph.ts';
import { type Rewriter, withAttributes } from '../rewrite.ts';
import { attentionExpansions } from './attention.ts';
import { type Expansion, expressions, inputOf } from './expression.ts';
import { embedThenNormalise } from './normalization.ts';

/** An integer tensor as the real numbers that it stands for. */
const reals = (value: string, scale: string, zero: string, to: Rewriter, axis = 0): string =>
  value && to.op('DequantizeLinear', [value, scale, zero], { axis });

/** Attention of 8-bit input and weights, whose result is real. Scales of the weights may be one for each column. */
const qAttention: Expansion = (node, to) => {
  const [input, weight, bias, inputScale, weightScale] = node.inputs;
  const [mask, inputZero, weightZero, past] = [5, 6, 7, 8].map((i) => inputOf(node, i));
  if ([inputScale, weightScale].some((scale) => (to.rankOf(scale) ?? 2) > 1))
    return 'the rank of its scales is not known to be 0 or 1';
  if (intAttribute(node, 'do_rotary', 0) || intAttribute(node, 'past_present_share_buffer', 0))
    return 'it rotates positions, or past and present share one buffer';
  const inputs = [
    reals(input, inputScale, inputZero, to),
    reals(weight, weightScale, weightZero, to, 1),
    bias,
    mask,
    past,
  ];
  return attentionExpansions['com.microsoft.Attention']({ ...node, op: 'Attention', inputs }, to);
};

/** EmbedLayerNormalization whose tables, scale and bias are of 8 bits. Rows are looked up before they become real. */
const qEmbed: Expansion = (node, to) => {
  const [scales, zeros] = [6, 11];
  embedThenNormalise(node, '', (rows, i) => reals(rows, node.inputs[i + scales], inputOf(node, i + zeros), to), to);
  return undefined;
};

/** The same operator with channels second, between two transpositions. */
const channelsSecond =
  (op: string, domain: string): Expansion =>
  (node, to) => {
    const { transpose } = expressions(to);
    const [x, ...rest] = node.inputs;
    const isLast = op === 'MaxPool' || intAttribute(node, 'channels_last', 0) === 1;
    const rank = to.rankOf(x);
    if (rank === undefined && isLast) return 'the rank of its input is not known';
    const spatial = Array.from({ length: (rank ?? 2) - 2 }, (_, i) => i);
    const before = isLast ? transpose(x, [0, spatial.length + 1, ...spatial.map((i) => i + 1)]) : x;
    const output = isLast ? to.fresh(op) : node.outputs[0];
    const moved: Node = {
      ...withAttributes(node, {}, ['channels_last']),
      op,
      domain,
      name: isLast ? output : node.name,
      inputs: [before, ...rest],
      outputs: [output],
    };
    to.append(moved);
    if (isLast) transpose(output, [0, ...spatial.map((i) => i + 2), 1], node.outputs[0]);
    return undefined;
  };

export const quantizedExpansions: Readonly<Record<string, Expansion>> = {
  'com.microsoft.QAttention': qAttention,
  'com.microsoft.QEmbedLayerNormalization': qEmbed,
  'com.microsoft.QLinearConv': channelsSecond('QLinearConv', ''),
  'com.microsoft.NhwcMaxPool': channelsSecond('MaxPool', ''),
};
