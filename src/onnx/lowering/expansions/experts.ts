import { lookup } from '../../../tensor/lookup.ts';
import { floatAttribute, intAttribute, type Node, stringAttribute } from '../../graph.ts';
import { codeOfDataType } from '../../types.ts';
import type { Rewriter } from '../rewrite.ts';
import { scalarLike } from '../upgraders/attributes.ts';
import { type Expansion, expressions, inputOf, toTheEnd } from './expression.ts';
import { unpack } from './packed-weights.ts';

type Activation = (x: string, node: Node, to: Rewriter) => string;

/** (min(a, limit) · σ(α·a)) · (clamp(b, ±limit) + β), where a and b are the even and the odd columns. */
const swiglu: Activation = (x, node, to) => {
  const { add, mul, sigmoid, slice } = expressions(to);
  const [even, odd] = [slice(x, -1, 0, toTheEnd, 2), slice(x, -1, 1, toTheEnd, 2)];
  const number = (value: number) => scalarLike(value, x, to);
  const limit = node.attributes.swiglu_limit ? floatAttribute(node, 'swiglu_limit', 0) : undefined;
  const gate = limit === undefined ? even : to.op('Clip', [even, '', number(limit)]);
  const linear = limit === undefined ? odd : to.op('Clip', [odd, number(-limit), number(limit)]);
  const swish = mul(gate, sigmoid(mul(gate, number(floatAttribute(node, 'activation_alpha', 1)))));
  return mul(swish, add(linear, number(floatAttribute(node, 'activation_beta', 0))));
};

const activations: Readonly<Record<string, Activation>> = {
  relu: (x, _, to) => to.op('Relu', [x]),
  gelu: (x, _, to) => to.op('Gelu', [x], { approximate: 'tanh' }),
  silu: (x, _, to) => expressions(to).mul(x, expressions(to).sigmoid(x)),
  identity: (x) => x,
  swiglu,
};

/** Weights and bias of one layer of all experts: [experts, out, in] and [experts, out] ('' without). */
interface ExpertLayer {
  readonly weights: string;
  readonly bias: string;
}

/** Why these nodes are not expanded, if so. */
function obstacle(node: Node, third: readonly number[]): string | undefined {
  if (!lookup(activations, stringAttribute(node, 'activation_type', 'relu'))) return 'its activation is not known';
  if (intAttribute(node, 'use_sparse_mixer', 0)) return 'it routes by a sparse mixer';
  if (third.some((i) => inputOf(node, i))) return 'it has a third layer';
  if (stringAttribute(node, 'activation_type', 'relu') === 'swiglu' && intAttribute(node, 'swiglu_fusion', 0) !== 1)
    return 'the halves of its gate are not interleaved';
  return undefined;
}

/**
 * Mixture of experts: Σ_e r_e · (W2_e·f(W1_e·x + b1_e) + b2_e), where r is the softmax of the router's numbers at its k
 * largest, 0 elsewhere. All experts are computed for all tokens, which the runtime's own operator saves; the choice of the
 * experts is held fixed in a gradient.
 */
function mixture(node: Node, [first, second]: readonly ExpertLayer[], isNormalised: boolean, to: Rewriter): void {
  const { add, div, matmul, mul, shape, transpose, unsqueeze } = expressions(to);
  const [x, router] = node.inputs;
  const probabilities = to.op('Softmax', [router], { axis: -1 });
  const [, chosen] = to.ops('TopK', [probabilities, to.ints([intAttribute(node, 'k', 1)])], { axis: -1 }, 2);
  const depth = to.op('Shape', [router], { start: -1 });
  const marks = to.op('OneHot', [chosen, depth, to.op('CastLike', [to.ints([0, 1]), router])]);
  const kept = mul(probabilities, to.op('ReduceSum', [marks, to.ints([1])], { keepdims: 0 }));
  const routed = isNormalised ? div(kept, to.op('ReduceSum', [kept, to.ints([-1])])) : kept;

  const layer = (value: string, { weights, bias }: ExpertLayer) => {
    const product = matmul(value, transpose(weights, [0, 2, 1]));
    return bias ? add(product, unsqueeze(bias, [1])) : product;
  };
  const last = to.op('Shape', [x], { start: -1 });
  const tokens = to.op('Reshape', [x, to.op('Concat', [to.ints([-1]), last], { axis: 0 })]);
  const hidden = activations[stringAttribute(node, 'activation_type', 'relu')](layer(tokens, first), node, to);
  // [experts, tokens, width], weighted and added up.
  const weighted = mul(layer(hidden, second), unsqueeze(transpose(routed, [1, 0]), [2]));
  to.op('Reshape', [to.op('ReduceSum', [weighted, to.ints([0])], { keepdims: 0 }), shape(x)], {}, node.outputs[0]);
}

const experts: Expansion = (node, to) => {
  const [w1, b1, w2, b2] = [2, 3, 4, 5].map((i) => inputOf(node, i));
  const reason = obstacle(node, [6, 7]);
  if (reason) return reason;
  const isNormalised = intAttribute(node, 'normalize_routing_weights', 0) !== 0;
  const layers = [
    { weights: w1, bias: b1 },
    { weights: w2, bias: b2 },
  ];
  mixture(node, layers, isNormalised, to);
  return undefined;
};

/**
 * The same with weights of 4 or 8 bits, one scale for each row, or for each block along it. The runtime normalises the
 * routing here whatever the attribute says.
 */
const quantizedExperts: Expansion = (node, to) => {
  const reason = obstacle(node, [8, 9, 10]);
  if (reason) return reason;
  const bits = intAttribute(node, 'expert_weight_bits', 4);
  const size = intAttribute(node, 'block_size', 0);
  if (![4, 8].includes(bits)) return `its weights have ${bits} bits`;
  if (stringAttribute(node, 'quant_type', 'int') !== 'int') return 'its weights are not integers';
  if (node.inputs.slice(11).some(Boolean)) return 'it has zero points or routing weights of its own';
  if (intAttribute(node, 'weights_prepacked', 0) > 0) return 'its weights are laid out for one device';
  const layers = [2, 5].map((i): ExpertLayer => {
    const [weights, scales, bias] = [i, i + 1, i + 2].map((index) => inputOf(node, index));
    return { weights: realWeights(weights, scales, bits, size, to), bias };
  });
  mixture(node, layers, true, to);
  return undefined;
};

/** (q − half the range) · scale, blocks along the last axis. */
function realWeights(packed: string, scales: string, bits: number, size: number, to: Rewriter): string {
  const { concat, mul, reshape, slice, shape, sub, unsqueeze } = expressions(to);
  const numbers = to.op('Cast', [unpack(packed, bits, to)], { to: codeOfDataType.float32 });
  const centred = sub(numbers, to.scalar(2 ** (bits - 1)));
  if (size <= 0) return mul(centred, unsqueeze(scales, [2]));
  const blocks = to.op('Reshape', [centred, concat([slice(shape(centred), 0, 0, 2), to.ints([-1, size])], 0)]);
  return reshape(mul(blocks, unsqueeze(scales, [3])), [0, 0, -1]);
}

export const expertExpansions: Readonly<Record<string, Expansion>> = {
  'com.microsoft.MoE': experts,
  'com.microsoft.QMoE': quantizedExperts,
};
