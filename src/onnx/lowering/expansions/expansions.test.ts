import { describe, expect, it } from 'vitest';
import { runModel } from '../../../../test/run-model.ts';
import { fromNumbers, toNumbers } from '../../../tensor/convert.ts';
import { type DataType, float32, int64, sizeOf, type Tensor, tensor } from '../../../tensor/tensor.ts';
import {
  type Attributes,
  attributesOf,
  type Graph,
  type Node,
  type OnnxModel,
  type PlainAttributes,
} from '../../graph.ts';
import { lower } from '../index.ts';
import { allExpansions } from './index.ts';
import { expansionsFor } from './rare.ts';

let state = 1;
/** Deterministic numbers, near normal: sums of four uniform ones. */
function uniform(): number {
  state = (state * 1664525 + 1013904223) % 2 ** 32;
  return state / 2 ** 32;
}
const x = (...shape: number[]): Tensor =>
  float32(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => uniform() + uniform() + uniform() + uniform() - 2),
  );
const bytes = (type: DataType, ...shape: number[]): Tensor =>
  fromNumbers(
    type,
    shape,
    Float64Array.from({ length: sizeOf(shape) }, () => Math.floor(uniform() * 256) - (type === 'int8' ? 128 : 0)),
  );
const positive = (...shape: number[]): Tensor =>
  float32(
    shape,
    Float32Array.from({ length: sizeOf(shape) }, () => uniform() / 10 + 0.01),
  );
const i32 = (shape: number[], ...values: number[]) => fromNumbers('int32', shape, values);
const i64 = (shape: number[], ...values: number[]) => int64(shape, values);
const f = (value: number) => ({ float: value });

interface Case {
  readonly op: string;
  readonly name?: string;
  readonly domain?: string;
  readonly opset?: number;
  readonly inputs: readonly (Tensor | undefined)[];
  readonly attributes?: PlainAttributes | Attributes;
  /** How many outputs, or which ('' leaves one out). Default 1. */
  readonly outputs?: number | readonly string[];
  /** Positions of inputs that are initializers: the runtime demands it of some. */
  readonly constant?: readonly number[];
  /** Largest difference, where the runtime computes less exactly. Default 1e-5: sums of some tens of products. */
  readonly tolerance?: number;
}
const ms = (
  op: string,
  name: string,
  inputs: Case['inputs'],
  attributes: PlainAttributes = {},
  more: Partial<Case> = {},
): Case => ({
  op,
  name,
  domain: 'com.microsoft',
  inputs,
  attributes,
  ...more,
});
const standard = (
  op: string,
  name: string,
  opset: number,
  inputs: Case['inputs'],
  attributes: PlainAttributes = {},
  more: Partial<Case> = {},
): Case => ({
  op,
  name,
  domain: '',
  opset,
  inputs,
  attributes,
  ...more,
});
/** An operator of scikit-learn's exports; lists in its attributes are floats unless they say otherwise. */
const ml = (op: string, name: string, inputs: Case['inputs'], attributes: Attributes = {}, outputs = 1): Case => ({
  op,
  name,
  domain: 'ai.onnx.ml',
  inputs,
  attributes,
  outputs,
});
const floats = (...value: number[]) => ({ kind: 'floats' as const, value });
const strings = (...value: string[]) => ({ kind: 'strings' as const, value });
const ints = (...value: number[]) => ({ kind: 'ints' as const, value });
const text = (value: string) => ({ kind: 'string' as const, value });
const float = (value: number) => ({ kind: 'float' as const, value });
const int = (value: number) => ({ kind: 'int' as const, value });
const number = (value: number) => float32([], [value]);
const byte = (value: number) => fromNumbers('uint8', [], [value]);
const draws = (count: number) => floats(...toNumbers(x(count)));

const cosine = float32(
  [8, 4],
  Array.from({ length: 32 }, (_, i) => Math.cos(i / 7)),
);
const sine = float32(
  [8, 4],
  Array.from({ length: 32 }, (_, i) => Math.sin(i / 7)),
);
const caches = [0, 1].map((shift) =>
  float32(
    [8, 8],
    Array.from({ length: 64 }, (_, i) => Math.cos(i / 7 - (shift * Math.PI) / 2)),
  ),
);
const gqa = { num_heads: 4, kv_num_heads: 2 };
const noPast = () => [x(2, 2, 0, 8), x(2, 2, 0, 8)];
const prompt = () => [i32([2], 4, 4), i32([1], 5)];

const cases: readonly Case[] = [
  ms('Gelu', '', [x(2, 3)]),
  ms('BiasGelu', '', [x(2, 3), x(3)]),
  ms('FastGelu', '', [x(2, 3)]),
  ms('FastGelu', 'bias', [x(2, 3), x(3)]),
  ms('QuickGelu', '', [x(2, 3)]),
  ms('QuickGelu', 'alpha', [x(2, 3)], { alpha: f(0.7) }),
  standard('ScaledTanh', '', 9, [x(2, 3)], { alpha: f(1.5), beta: f(0.5) }),
  standard('ParametricSoftplus', '', 9, [x(2, 3)], { alpha: f(1.5), beta: f(0.5) }),
  standard('Affine', '', 9, [x(2, 3)], { alpha: f(1.5), beta: f(0.5) }),
  standard('ImageScaler', '', 9, [x(1, 2, 3, 3)], { scale: f(0.5), bias: { floats: [0.1, -0.2] } }),
  standard('Swish', '', 24, [x(2, 3)], { alpha: f(1.2) }),

  ms('FusedMatMul', '', [x(2, 3, 4), x(2, 4, 5)], { alpha: f(0.5) }),
  ms('FusedMatMul', 'transposed', [x(2, 4, 3), x(2, 5, 4)], { transA: 1, transB: 1 }),
  ms('FusedMatMul', 'batch', [x(3, 2, 4), x(2, 4, 5)], { transBatchA: 1, alpha: f(2) }),
  ms('FusedMatMul', 'batch transposed', [x(4, 2, 3), x(5, 2, 4)], {
    transBatchA: 1,
    transA: 1,
    transBatchB: 1,
    transB: 1,
  }),
  ms('FusedGemm', 'LeakyRelu', [x(2, 3), x(3, 4), x(4)], {
    activation: 'LeakyRelu',
    activation_alpha: f(0.2),
    alpha: f(0.5),
  }),
  ms('FusedConv', 'Relu', [x(1, 2, 5, 5), x(3, 2, 3, 3), x(3)], { activation: 'Relu', pads: [1, 1, 1, 1] }),
  ms('FusedConv', 'summand', [x(1, 2, 5, 5), x(3, 2, 3, 3), x(3), x(1, 3, 3, 3)], { activation: 'Relu' }),
  ms('FusedConv', 'Clip', [x(1, 2, 5, 5), x(3, 2, 3, 3)], {
    activation: 'Clip',
    activation_params: { floats: [-0.5, 1] },
  }),
  ms('FusedConv', 'HardSigmoid', [x(1, 2, 5, 5), x(3, 2, 3, 3)], {
    activation: 'HardSigmoid',
    activation_params: { floats: [0.3, 0.4] },
  }),
  ms('MatMulIntegerToFloat', '', [
    bytes('uint8', 3, 4),
    bytes('uint8', 4, 2),
    positive(),
    positive(),
    bytes('uint8'),
    bytes('uint8'),
    x(2),
  ]),
  ms('MatMulIntegerToFloat', 'columns', [bytes('uint8', 3, 4), bytes('int8', 4, 2), positive(), positive(2)]),
  ms(
    'DynamicQuantizeMatMul',
    '',
    [x(3, 4), bytes('uint8', 4, 2), positive(1), bytes('uint8', 1), x(2)],
    {},
    { constant: [1, 2, 3] },
  ),
  ms(
    'MatMulNBits',
    '4 bits',
    [x(2, 20), bytes('uint8', 3, 2, 8), positive(3, 2)],
    { K: 20, N: 3, bits: 4, block_size: 16 },
    { constant: [1, 2] },
  ),
  ms(
    'MatMulNBits',
    'zeros, bias',
    [x(2, 40), bytes('uint8', 3, 3, 8), positive(3, 3), bytes('uint8', 3, 2), undefined, x(3)],
    { K: 40, N: 3, bits: 4, block_size: 16 },
    { constant: [1, 2, 3] },
  ),
  ms(
    'MatMulNBits',
    'flat scales',
    [x(2, 32), bytes('uint8', 3, 2, 8), positive(6), bytes('uint8', 3)],
    { K: 32, N: 3, bits: 4, block_size: 16 },
    { constant: [1, 2, 3] },
  ),
  ms(
    'MatMulNBits',
    'float zeros',
    [x(2, 32), bytes('uint8', 3, 2, 8), positive(3, 2), x(3, 2)],
    { K: 32, N: 3, bits: 4, block_size: 16 },
    { constant: [1, 2, 3] },
  ),
  ms(
    'MatMulNBits',
    '8 bits',
    [x(2, 32), bytes('uint8', 3, 2, 16), positive(3, 2)],
    { K: 32, N: 3, bits: 8, block_size: 16 },
    { constant: [1, 2] },
  ),
  ms(
    'GatherBlockQuantized',
    '',
    [bytes('uint8', 5, 16), i64([2, 2], 0, 4, 3, 3), positive(5, 2)],
    { bits: 4, block_size: 16, quantize_axis: 1 },
    { constant: [0, 2] },
  ),
  ms(
    'GatherBlockQuantized',
    'zeros',
    [bytes('uint8', 5, 24), i64([3], 0, 4, 2), positive(5, 3), bytes('uint8', 5, 2)],
    { bits: 4, block_size: 16, quantize_axis: 1 },
    { constant: [0, 2, 3] },
  ),
  ms(
    'GatherBlockQuantized',
    'short block',
    [bytes('uint8', 5, 20), i64([3], 0, 4, 2), positive(5, 3)],
    { bits: 4, block_size: 16, quantize_axis: 1 },
    { constant: [0, 2] },
  ),

  ms(
    'SkipLayerNormalization',
    '',
    [x(2, 3, 4), x(2, 3, 4), x(4), x(4), x(4)],
    { epsilon: f(1e-5) },
    { outputs: ['y', '', '', 'sum'] },
  ),
  ms('SkipLayerNormalization', 'no bias', [x(2, 3, 4), x(2, 3, 4), x(4)]),
  ms(
    'SkipSimplifiedLayerNormalization',
    '',
    [x(2, 3, 4), x(2, 3, 4), x(4), x(4)],
    { epsilon: f(1e-5) },
    { outputs: ['y', '', '', 'sum'] },
  ),
  standard('SimplifiedLayerNormalization', '', 20, [x(2, 3, 4), x(4)], { epsilon: f(1e-5), axis: -1 }),
  standard('SimplifiedLayerNormalization', 'axis', 20, [x(2, 3, 4), x(3, 4)], { axis: 1 }, { outputs: 2 }),
  standard('RMSNormalization', '', 23, [x(2, 3, 4), x(4)], { epsilon: f(1e-3) }),
  standard('GroupNormalization', '21', 21, [x(2, 4, 3, 3), x(4), x(4)], { num_groups: 2 }),
  standard('MeanVarianceNormalization', '', 20, [x(2, 3, 4, 4)]),
  ms(
    'EmbedLayerNormalization',
    '',
    [
      i32([2, 3], 1, 2, 3, 4, 0, 0),
      i32([2, 3], 0, 0, 1, 1, 1, 0),
      x(6, 4),
      x(5, 4),
      x(2, 4),
      x(4),
      x(4),
      i32([2, 3], 1, 1, 1, 1, 0, 0),
    ],
    { epsilon: f(1e-5) },
    { outputs: ['y', 'index', 'sum'] },
  ),
  ms(
    'EmbedLayerNormalization',
    'positions',
    [i32([1, 3], 1, 2, 3), undefined, x(6, 4), x(5, 4), undefined, x(4), x(4), undefined, i32([1, 3], 2, 0, 4)],
    {},
    { outputs: 2 },
  ),

  ms('RotaryEmbedding', 'rank 3', [x(2, 3, 16), i64([2, 3], 0, 1, 2, 3, 4, 5), cosine, sine], {}, { constant: [2] }),
  ms('RotaryEmbedding', 'offset', [x(2, 3, 16), i64([1], 2), cosine, sine], { interleaved: 1 }, { constant: [2, 3] }),
  ms('RotaryEmbedding', 'rank 4', [x(2, 2, 3, 8), i64([2, 3], 0, 1, 2, 3, 4, 5), cosine, sine]),
  ms('RotaryEmbedding', 'partial', [x(2, 3, 24), i64([2, 3], 0, 1, 2, 3, 4, 5), cosine, sine], {
    num_heads: 2,
    rotary_embedding_dim: 8,
  }),
  standard('RotaryEmbedding', '23', 23, [x(2, 2, 3, 8), cosine, sine, i64([2, 3], 0, 1, 2, 3, 4, 5)]),
  standard('RotaryEmbedding', '23 rank 3', 23, [x(2, 3, 16), x(2, 3, 4), x(2, 3, 4)], { num_heads: 2, interleaved: 1 }),

  ms('Attention', '', [x(2, 3, 8), x(8, 24), x(24)], { num_heads: 2 }),
  ms('Attention', 'causal', [x(2, 3, 8), x(8, 24), x(24)], { num_heads: 2, unidirectional: 1, scale: f(0.3) }),
  ms(
    'Attention',
    'past',
    [x(2, 3, 8), x(8, 24), x(24), undefined, x(2, 2, 2, 4, 4)],
    { num_heads: 2, unidirectional: 1 },
    { outputs: 2 },
  ),
  ms(
    'Attention',
    'mask',
    [x(2, 3, 8), x(8, 24), x(24), i32([2, 3], 1, 1, 0, 1, 1, 1)],
    { num_heads: 2 },
    { outputs: 2 },
  ),
  ms('Attention', 'mask of rank 3', [x(1, 3, 8), x(8, 24), x(24), i32([1, 3, 3], 1, 0, 0, 1, 1, 0, 1, 0, 1)], {
    num_heads: 2,
  }),
  ms('Attention', 'lengths', [x(2, 3, 8), x(8, 24), x(24), i32([2], 2, 3)], { num_heads: 2 }),
  ms('Attention', 'ends and starts', [x(2, 3, 8), x(8, 24), x(24), i32([4], 3, 3, 1, 0)], { num_heads: 2 }),
  ms('Attention', 'bias, sizes', [x(2, 3, 8), x(8, 20), x(20), undefined, undefined, x(2, 2, 3, 3)], {
    num_heads: 2,
    qkv_hidden_sizes: [8, 8, 4],
  }),
  ms('MultiHeadAttention', '', [x(2, 3, 8), x(2, 5, 8), x(2, 5, 12)], { num_heads: 2 }),
  ms(
    'MultiHeadAttention',
    'bias, mask',
    [x(2, 3, 8), x(2, 5, 8), x(2, 5, 8), x(24), i32([2, 5], 1, 1, 1, 0, 0, 1, 1, 1, 1, 1)],
    { num_heads: 2 },
  ),
  ms(
    'MultiHeadAttention',
    'attention bias, past',
    [x(2, 3, 8), x(2, 3, 8), x(2, 3, 8), undefined, undefined, x(1, 2, 3, 7), x(2, 2, 4, 4), x(2, 2, 4, 4)],
    { num_heads: 2 },
    { outputs: 3 },
  ),
  ms('MultiHeadAttention', 'causal', [x(2, 3, 8), x(2, 3, 8), x(2, 3, 8)], { num_heads: 2, unidirectional: 1 }),
  ms('MultiHeadAttention', 'cached keys', [x(2, 3, 8), x(2, 2, 5, 4), x(2, 2, 5, 4)], { num_heads: 2 }),
  ms('GroupQueryAttention', '', [x(2, 5, 32), x(2, 5, 16), x(2, 5, 16), ...noPast(), ...prompt()], gqa, { outputs: 3 }),
  ms('GroupQueryAttention', 'packed', [x(2, 5, 64), undefined, undefined, ...noPast(), ...prompt()], gqa, {
    outputs: 3,
  }),
  ms(
    'GroupQueryAttention',
    'without past',
    [x(2, 5, 32), x(2, 5, 16), x(2, 5, 16), undefined, undefined, ...prompt()],
    gqa,
    { outputs: 3 },
  ),
  ms(
    'GroupQueryAttention',
    'rotary',
    [x(2, 5, 64), x(2, 5, 32), x(2, 5, 32), x(2, 2, 0, 16), x(2, 2, 0, 16), ...prompt(), ...caches],
    { ...gqa, do_rotary: 1 },
    { outputs: 3 },
  ),
  ms(
    'GroupQueryAttention',
    'decoding',
    [x(2, 1, 64), x(2, 1, 32), x(2, 1, 32), x(2, 2, 4, 16), x(2, 2, 4, 16), ...prompt(), ...caches],
    { ...gqa, do_rotary: 1, rotary_interleaved: 1 },
    { outputs: 3 },
  ),
  ms(
    'GroupQueryAttention',
    'window',
    [x(2, 5, 32), x(2, 5, 16), x(2, 5, 16), ...noPast(), ...prompt()],
    { ...gqa, local_window_size: 2 },
    { outputs: 3 },
  ),
  ms(
    'GroupQueryAttention',
    'softcap, bias',
    [x(2, 5, 32), x(2, 5, 16), x(2, 5, 16), ...noPast(), ...prompt(), undefined, undefined, undefined, x(1, 4, 5, 5)],
    { ...gqa, softcap: f(1.5), scale: f(0.5) },
    { outputs: 3 },
  ),
  ms(
    'GroupQueryAttention',
    'smooth',
    [x(2, 5, 32), x(2, 5, 16), x(2, 5, 16), ...noPast(), ...prompt()],
    { ...gqa, smooth_softmax: 1 },
    { outputs: 3 },
  ),
  ms(
    'GroupQueryAttention',
    'sink',
    [x(2, 5, 32), x(2, 5, 16), x(2, 5, 16), ...noPast(), ...prompt(), undefined, undefined, undefined, undefined, x(4)],
    gqa,
    { outputs: 3 },
  ),

  standard('Attention', '23', 23, [x(2, 2, 3, 4), x(2, 2, 5, 4), x(2, 2, 5, 6)]),
  standard('Attention', '23 causal, groups', 23, [x(2, 3, 16), x(2, 3, 8), x(2, 3, 8)], {
    q_num_heads: 4,
    kv_num_heads: 2,
    is_causal: 1,
  }),
  standard('Attention', '23 mask, softcap', 23, [x(2, 2, 3, 4), x(2, 2, 5, 4), x(2, 2, 5, 4), x(3, 5)], {
    softcap: f(2),
    scale: f(0.4),
  }),
  standard('Attention', '23 boolean mask', 23, [
    x(1, 2, 2, 4),
    x(1, 2, 3, 4),
    x(1, 2, 3, 4),
    tensor('bool', [2, 3], Uint8Array.of(1, 0, 1, 1, 1, 0)),
  ]),
  standard(
    'Attention',
    '23 past',
    23,
    [x(2, 2, 3, 4), x(2, 2, 3, 4), x(2, 2, 3, 4), x(3, 7), x(2, 2, 4, 4), x(2, 2, 4, 4)],
    {},
    { outputs: 4 },
  ),

  standard('NegativeLogLikelihoodLoss', '', 20, [x(3, 4), i64([3], 0, 3, 2)]),
  standard(
    'NegativeLogLikelihoodLoss',
    'weights, ignored',
    20,
    [x(2, 4, 3), i64([2, 3], 0, 3, 2, -1, 1, 1), positive(4)],
    { ignore_index: -1 },
  ),
  standard('NegativeLogLikelihoodLoss', 'none', 20, [x(3, 4), i64([3], 0, 3, 2), positive(4)], { reduction: 'none' }),
  standard('SoftmaxCrossEntropyLoss', '', 20, [x(3, 4), i64([3], 0, 3, 2)], {}, { outputs: 2 }),
  standard('SoftmaxCrossEntropyLoss', 'ignored', 20, [x(2, 4, 3), i64([2, 3], 0, 3, 2, 3, 1, 1)], {
    ignore_index: 3,
    reduction: 'mean',
  }),
  standard('SoftmaxCrossEntropyLoss', 'sum', 20, [x(3, 4), i32([3], 0, 3, 2), positive(4)], { reduction: 'sum' }),
  standard('CenterCropPad', '', 20, [x(5, 4, 3), i64([3], 3, 7, 4)]),
  standard('CenterCropPad', 'axes', 20, [x(5, 4, 3), i64([2], 8, 3)], { axes: [-1, 0] }),

  ...[0, 1].flatMap((type) => [
    ms(
      'MatMulBnb4',
      `type ${type}`,
      [x(2, 32), bytes('uint8', 48), positive(6)],
      {
        ...{ K: 32, N: 3, block_size: 16, quant_type: type },
      },
      { constant: [1, 2] },
    ),
    ms(
      'MatMulBnb4',
      `type ${type}, a short last block`,
      [x(2, 24), bytes('uint8', 36), positive(3)],
      {
        ...{ K: 24, N: 3, block_size: 32, quant_type: type },
      },
      { constant: [1, 2] },
    ),
  ]),
  ms(
    'MatMulNBits',
    'groups',
    [
      ...[x(2, 32), bytes('uint8', 3, 2, 8), positive(3, 2), undefined],
      i32([32], ...Array.from({ length: 32 }, (_, i) => i % 2)),
    ],
    { K: 32, N: 3, block_size: 16 },
    { constant: [1, 2, 4] },
  ),
  ...['relu', 'gelu', 'silu', 'identity'].map((activation) =>
    ms('MoE', activation, [x(5, 4), x(5, 3), x(3, 6, 4), x(3, 6), x(3, 4, 6), x(3, 4)], {
      activation_type: activation,
    }),
  ),
  ms('MoE', 'two of three, normalised, without bias', [x(2, 3, 4), x(6, 3), x(3, 6, 4), undefined, x(3, 4, 6)], {
    k: 2,
    normalize_routing_weights: 1,
  }),
  ms('MoE', 'two of three', [x(5, 4), x(5, 3), x(3, 6, 4), undefined, x(3, 4, 6)], { k: 2 }),
  ms('MoE', 'swiglu', [x(5, 4), x(5, 3), x(3, 12, 4), x(3, 12), x(3, 4, 6), x(3, 4)], {
    ...{ k: 2, activation_type: 'swiglu', swiglu_fusion: 1 },
    ...{ activation_alpha: f(1.7), activation_beta: f(1), swiglu_limit: f(0.8) },
  }),
  ...[4, 8].flatMap((bits) => [
    ms(
      'QMoE',
      `${bits} bits, a scale for each row`,
      [
        ...[x(5, 32), x(5, 3), bytes('uint8', 3, 64, (32 * bits) / 8), positive(3, 64), x(3, 64)],
        ...[bytes('uint8', 3, 32, (64 * bits) / 8), positive(3, 32), x(3, 32)],
      ],
      { k: 2, expert_weight_bits: bits, activation_type: 'silu' },
      { constant: [2, 3, 5, 6] },
    ),
    ms(
      'QMoE',
      `${bits} bits, a scale for each block`,
      [
        ...[x(5, 64), x(5, 3), bytes('uint8', 3, 128, (64 * bits) / 8), positive(3, 128, 2), x(3, 128)],
        ...[bytes('uint8', 3, 64, (64 * bits) / 8), positive(3, 64, 2), x(3, 64)],
      ],
      { ...{ k: 2, expert_weight_bits: bits, block_size: 32 }, ...{ activation_type: 'swiglu', swiglu_fusion: 1 } },
      // Products of some thousands cancel.
      { constant: [2, 3, 5, 6], tolerance: 1e-3 },
    ),
  ]),
  ...[19, 22].map((opset) =>
    standard('DeformConv', `${opset}`, opset, [x(2, 4, 5, 6), x(6, 2, 3, 3), x(2, 36, 5, 6), x(6), x(2, 18, 5, 6)], {
      ...{ kernel_shape: [3, 3], pads: [1, 1, 1, 1], group: 2, offset_group: 2 },
    }),
  ),
  standard('DeformConv', 'stride, dilation, no mask', 22, [x(1, 2, 9, 8), x(3, 2, 2, 3), x(1, 12, 4, 2)], {
    ...{ strides: [2, 2], dilations: [1, 2], kernel_shape: [2, 3] },
  }),
  ...['', 'causal'].map((name) =>
    ms('QAttention', name, quantizedAttention([], 0), { num_heads: 2, unidirectional: name ? 1 : 0 }),
  ),
  ms('QAttention', 'scale per column, mask', quantizedAttention([24], 0, i32([2, 3], 1, 1, 0, 1, 1, 1)), {
    num_heads: 2,
  }),
  ms(
    'QEmbedLayerNormalization',
    '',
    [
      i32([2, 3], 0, 2, 4, 1, 3, 3),
      i32([2, 3], 0, 1, 1, 0, 0, 1),
      bytes('uint8', 5, 8),
      bytes('uint8', 4, 8),
      bytes('uint8', 2, 8),
      bytes('uint8', 8),
      bytes('uint8', 8),
      i32([2, 3], 1, 1, 0, 1, 1, 1),
      ...[0.01, 0.02, 0.03, 0.04, 0.05].map(number),
      ...[120, 130, 110, 100, 90].map(byte),
    ],
    {},
    { outputs: 2 },
  ),
  ms(
    'QLinearConv',
    'channels last',
    [
      ...[bytes('uint8', 1, 5, 5, 2), number(0.02), byte(120), bytes('int8', 3, 2, 3, 3), number(0.01)],
      ...[fromNumbers('int8', [], [0]), number(0.2), byte(110)],
    ],
    { channels_last: 1, strides: [2, 2], pads: [1, 1, 1, 1] },
    { constant: [3] },
  ),
  ms('QLinearConv', 'channels second', [
    ...[bytes('uint8', 1, 2, 5, 5), number(0.02), byte(120), bytes('int8', 3, 2, 3, 3), number(0.01)],
    ...[fromNumbers('int8', [], [0]), number(0.2), byte(110)],
  ]),
  ms('NhwcMaxPool', '', [bytes('uint8', 1, 4, 6, 2)], { kernel_shape: [2, 2], strides: [2, 2] }),

  ml('Scaler', '', [x(3, 4)], { offset: draws(4), scale: draws(4) }),
  ml('Scaler', 'one for all, integers', [i64([2, 3], 1, 2, 3, -4, 5, 6)], { offset: floats(0.5), scale: floats(2) }),
  ...['MAX', 'L1', 'L2'].flatMap((norm) => [
    ml('Normalizer', norm, [x(3, 4)], { norm: text(norm) }),
    ml('Normalizer', `${norm}, a row of zeros`, [float32([2, 2], [0, 0, -1, -3])], { norm: text(norm) }),
  ]),
  ml('Normalizer', 'one row', [x(4)], { norm: text('L2') }),
  ml('Imputer', 'missing', [float32([2, 3], [Number.NaN, 1, 2, 3, Number.NaN, 5])], {
    imputed_value_floats: floats(7, 8, 9),
    replaced_value_float: float(Number.NaN),
  }),
  ml('Imputer', 'one value', [float32([2, 3], [-1, 1, 2, 3, -1, 5])], {
    imputed_value_floats: floats(7),
    replaced_value_float: float(-1),
  }),
  ml('Imputer', 'integers', [i64([2, 2], 0, 1, 2, 0)], {
    imputed_value_int64s: ints(7, 8),
    replaced_value_int64: int(0),
  }),
  ml('Binarizer', '', [x(3, 4)], { threshold: float(0.2) }),
  ml('ArrayFeatureExtractor', '', [x(3, 4), i64([2], 3, 0)]),
  ml('ArrayFeatureExtractor', 'of a row', [x(4), i64([2], 3, 0)]),
  ml('ArrayFeatureExtractor', 'of three axes, one index', [x(2, 3, 4), i64([], 2)]),
  ml('FeatureVectorizer', '', [x(2, 2), x(2, 1)], { inputdimensions: ints(2, 1) }),
  ml('FeatureVectorizer', 'cut', [x(2, 3)], { inputdimensions: ints(2) }),
  ...['NONE', 'SOFTMAX', 'LOGISTIC', 'SOFTMAX_ZERO', 'PROBIT'].flatMap((transform) => [
    ml('LinearRegressor', `two targets, ${transform}`, [x(3, 4)], {
      coefficients: floats(...toNumbers(positive(8))),
      intercepts: floats(0.4, 0.6),
      targets: int(2),
      post_transform: text(transform),
    }),
    ml('LinearRegressor', `one target, ${transform}`, [x(3, 4)], {
      coefficients: floats(...toNumbers(positive(4))),
      intercepts: floats(0.4),
      post_transform: text(transform),
    }),
    ml(
      'LinearClassifier',
      transform,
      [x(5, 4)],
      {
        coefficients: floats(...toNumbers(positive(12))),
        intercepts: floats(0.2, 0.6, 0.75),
        classlabels_ints: ints(4, 5, 9),
        multi_class: int(1),
        post_transform: text(transform),
      },
      2,
    ),
  ]),
  ml('LinearRegressor', 'without intercept', [x(3, 4)], { coefficients: draws(4) }),
  ml(
    'LinearClassifier',
    'texts, integers given',
    [i64([2, 2], 1, -2, 3, 4)],
    { coefficients: draws(6), intercepts: draws(3), classlabels_strings: strings('a', 'b', 'c') },
    2,
  ),
  ml(
    'LinearClassifier',
    'a single row',
    [x(2)],
    { coefficients: draws(6), intercepts: draws(3), classlabels_ints: ints(0, 1, 2) },
    2,
  ),
  ...['NONE', 'LOGISTIC', 'SOFTMAX'].map((transform) =>
    ml(
      'LinearClassifier',
      `one score of two classes, ${transform}`,
      [x(6, 4)],
      {
        coefficients: draws(4),
        intercepts: floats(0.1),
        classlabels_strings: strings('no', 'yes'),
        post_transform: text(transform),
      },
      2,
    ),
  ),
  ...['LINEAR', 'RBF', 'POLY', 'SIGMOID'].flatMap((kernel) => [
    ml('SVMRegressor', kernel, [x(3, 4)], {
      kernel_type: text(kernel),
      kernel_params: floats(0.3, 0.5, 3),
      n_supports: int(5),
      support_vectors: draws(20),
      coefficients: draws(5),
      rho: floats(0.2),
    }),
    svc(`${kernel}, two classes`, kernel, [3, 2]),
    svc(`${kernel}, three classes`, kernel, [3, 2, 4]),
    svc(`${kernel}, probabilities of two`, kernel, [3, 2], true),
    svc(`${kernel}, probabilities of three`, kernel, [3, 2, 4], true),
  ]),
  svc('probabilities of five, softmax', 'RBF', [2, 1, 3, 2, 1], true, { post_transform: text('SOFTMAX') }),
  svc('two classes, logistic', 'RBF', [3, 2], false, { post_transform: text('LOGISTIC') }),
  svc('texts', 'RBF', [3, 2], false, { classlabels_ints: ints(), classlabels_strings: strings('a', 'b') }),
  ml('SVMRegressor', 'linear', [x(3, 4)], { kernel_params: floats(), coefficients: draws(4), rho: floats(0.2) }),
  ml('SVMRegressor', 'one class', [x(5, 4)], {
    kernel_type: text('RBF'),
    kernel_params: floats(0.3, 0, 3),
    n_supports: int(3),
    support_vectors: draws(12),
    coefficients: draws(3),
    rho: floats(-0.1),
    one_class: int(1),
  }),
  ...[2, 3].map((classes) =>
    ml(
      'SVMClassifier',
      `linear, ${classes} classes`,
      [x(6, 4)],
      {
        kernel_params: floats(),
        coefficients: draws(4 * classes),
        rho: floats(-0.3),
        classlabels_ints: ints(...[4, 5, 6].slice(0, classes)),
        post_transform: text('SOFTMAX'),
      },
      2,
    ),
  ),
];

/** Inputs of QAttention; `shape` is that of the weight's scale. */
function quantizedAttention(shape: number[], zero: number, mask?: Tensor): Case['inputs'] {
  const scales = float32(shape, new Float32Array(sizeOf(shape)).fill(0.01));
  const zeros = fromNumbers('int8', shape, new Array<number>(sizeOf(shape)).fill(zero));
  return [bytes('uint8', 2, 3, 8), bytes('int8', 8, 24), x(24), number(0.02), scales, mask, byte(120), zeros];
}

/** A support vector classifier with this many vectors of each class. */
function svc(
  name: string,
  kernel: string,
  perClass: readonly number[],
  isProbability = false,
  more: Attributes = {},
): Case {
  const [count, classes] = [perClass.reduce((a, b) => a + b, 0), perClass.length];
  const pairs = (classes * (classes - 1)) / 2;
  return ml(
    'SVMClassifier',
    name,
    [x(7, 4)],
    {
      kernel_type: text(kernel),
      kernel_params: floats(0.3, 0.5, 3),
      support_vectors: draws(count * 4),
      coefficients: draws(count * (classes - 1)),
      rho: draws(pairs),
      vectors_per_class: ints(...perClass),
      classlabels_ints: ints(...perClass.map((_, i) => i + 3)),
      ...(isProbability ? { prob_a: floats(...new Array(pairs).fill(-1.5)), prob_b: draws(pairs) } : {}),
      ...more,
    },
    2,
  );
}

/** Operators that the runtime has for other devices only, so that nothing here can be compared with. */
const otherDevices = ['BiasSplitGelu', 'NhwcConv', 'NhwcFusedConv', 'BiasAdd', 'GroupNorm', 'SkipGroupNorm'].map(
  (op) => `com.microsoft.${op}`,
);
/** Other names of operators that are tested. */
const aliases = ['com.microsoft.TransposeMatMul', 'com.microsoft.SimplifiedLayerNormalization'];

describe('expansions compute what the runtime computes', () => {
  for (const example of cases) {
    it(`${example.op} ${example.name ?? ''}`, async () => {
      const { model, feeds } = modelOf(example);
      const lowered = lower(model);
      expect(lowered.notes.filter((note) => note.code === 'not-expanded')).toEqual([]);
      expect(lowered.notes.filter((note) => note.code === 'expanded')).toHaveLength(1);
      expect(lowered.model.graph.nodes.every((node) => node.domain === '')).toBe(true);
      const before = await runModel(model, feeds);
      const after = await runModel(lowered.model, feeds);
      for (const [name, expected] of Object.entries(before)) {
        expect(after[name].shape, name).toEqual(expected.shape);
        expect(after[name].type, name).toBe(expected.type);
        if (expected.type === 'string') {
          expect(after[name].data, name).toEqual(expected.data);
          continue;
        }
        const [a, b] = [toNumbers(after[name]), toNumbers(expected)];
        const worst = a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]) / (1 + Math.abs(b[i]))), 0);
        expect(worst, name).toBeLessThan(example.tolerance ?? 1e-5);
      }
    });
  }

  it('covers every operator of the table that runs here', () => {
    const tested = cases.map(({ op, domain }) => (domain ? `${domain}.${op}` : op));
    const untested = Object.keys(allExpansions()).filter(
      (key) => ![...tested, ...otherDevices, ...aliases].includes(key),
    );
    expect(untested).toEqual([]);
  });
});

describe('what cannot be expanded', () => {
  it('stays, with the reason', () => {
    const { model } = modelOf(ms('Attention', '', [x(2, 3, 8), x(8, 24), x(24)], { num_heads: 2, do_rotary: 1 }));
    const lowered = lower(model);
    expect(lowered.model.graph.nodes.map((node) => node.op)).toEqual(['Attention']);
    expect(lowered.notes).toMatchObject([{ code: 'not-expanded', operator: 'com.microsoft.Attention' }]);
    expect(lowered.notes[0].text).toContain('rotates positions');
  });

  it.each([
    ['RotaryEmbedding', [x(2, 3, 16), i64([1], 0), cosine, sine], {}, /size of its heads/],
    [
      'GatherBlockQuantized',
      [bytes('uint8', 16, 5), i64([1], 0), positive(1, 5)],
      { quantize_axis: 0, block_size: 16 },
      /quantize along the last/,
    ],
    [
      'GroupQueryAttention',
      [x(1, 5, 32), x(1, 5, 16), x(1, 5, 16), undefined, undefined, i32([1], 4), i32([1], 5)],
      { ...gqa, kv_cache_bit_width: 8 },
      /quantized/,
    ],
    ['FusedGemm', [x(2, 3), x(3, 4)], { activation: 'Unheard' }, /activation/],
  ] as const)('%s stays, with the reason', (op, inputs, attributes, reason) => {
    expect(lower(modelOf(ms(op, '', inputs, attributes)).model).notes[0].text).toMatch(reason);
  });

  it.each([
    ['more vectors than it holds', { vectors_per_class: ints(1e12, 1) }, /do not fill a matrix/],
    ['a negative number of vectors', { vectors_per_class: ints(7, -2) }, /do not fit together/],
    ['no vectors of a class', { vectors_per_class: ints(5) }, /do not fit together/],
    ['too few rho', { rho: floats() }, /rho/],
    ['an unknown kernel', { kernel_type: text('COSINE') }, /kernel/],
  ] as const)('a support vector machine of %s stays, with the reason', (_, wrong, reason) => {
    const { model } = modelOf(svc('', 'RBF', [3, 2], false, wrong));
    expect(lower(model).notes[0].text).toMatch(reason);
  });

  it('stays when asked to', () => {
    const { model } = modelOf(ms('FusedMatMul', '', [x(2, 3), x(3, 2)]));
    expect(lower(model, { keep: new Set(['com.microsoft.FusedMatMul']) }).model.graph.nodes[0].op).toBe('FusedMatMul');
  });
});

/** Plain attributes, or those that have their kinds already (texts, lists of floats that look like integers). */
const attributesAsIs = (attributes: PlainAttributes | Attributes): Attributes =>
  Object.values(attributes).some((value) => typeof value === 'object' && 'kind' in value)
    ? (attributes as Attributes)
    : attributesOf(attributes as PlainAttributes);

function modelOf({ op, domain = '', opset = 20, inputs, attributes = {}, outputs = 1, constant = [] }: Case) {
  const names = inputs.map((input, i) => (input ? `in${i}` : ''));
  const made = typeof outputs === 'number' ? Array.from({ length: outputs }, (_, i) => `out${i}`) : outputs;
  const node: Node = { op, domain, name: 'node', inputs: names, outputs: made, attributes: attributesAsIs(attributes) };
  const given = names.flatMap((name, i) => {
    const value = inputs[i];
    return value ? [{ name, value, constant: constant.includes(i) }] : [];
  });
  const model: OnnxModel = {
    irVersion: 10,
    producer: '',
    opsets: new Map([
      ['', opset],
      ['com.microsoft', 1],
      ['ai.onnx.ml', 3],
    ]),
    graph: {
      name: 'g',
      inputs: given.filter((g) => !g.constant).map(({ name, value: { type, shape } }) => ({ name, type, shape })),
      outputs: made.filter(Boolean).map((name) => ({ name, type: undefined, shape: undefined })),
      nodes: [node],
      initializers: new Map(
        given
          .filter((g) => g.constant)
          .map(({ name, value }) => [
            name,
            { name, type: value.type, shape: value.shape, location: { kind: 'memory' as const, tensor: value } },
          ]),
      ),
      values: new Map(),
    },
    functions: [],
    metadata: new Map(),
  };
  return { model, feeds: Object.fromEntries(given.filter((g) => !g.constant).map(({ name, value }) => [name, value])) };
}

it('loads for a model what it may need, wherever the operator stands', async () => {
  const all = allExpansions();
  for (const key of Object.keys(all)) {
    const at = key.lastIndexOf('.');
    const node = {
      op: key.slice(at + 1),
      domain: key.slice(0, Math.max(0, at)),
      name: 'n',
      inputs: [],
      outputs: ['y'],
    };
    const inside: Graph = {
      name: 'inside',
      inputs: [],
      outputs: [],
      initializers: new Map(),
      values: new Map(),
      nodes: [{ ...node, attributes: {} }],
    };
    const branch = {
      op: 'If',
      domain: '',
      name: 'if',
      inputs: [],
      outputs: ['z'],
      attributes: { then_branch: { kind: 'graph', value: inside } },
    } as const;
    const outside = { ...inside, nodes: [branch] };
    const empty = {
      irVersion: 8,
      producer: '',
      opsets: new Map([['', 20]]),
      functions: [],
      metadata: new Map(),
      graph: outside,
    };
    expect((await expansionsFor(empty))[key], key).toBe(all[key]);
  }
});
