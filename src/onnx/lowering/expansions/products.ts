import { floatAttribute, intAttribute, type Node, type PlainAttributes } from '../../graph.ts';
import { codeOfDataType } from '../../types.ts';
import { type Rewriter, withAttributes } from '../rewrite.ts';
import { scalarLike } from '../upgraders/attributes.ts';
import { activate, fusedActivation } from './activations.ts';
import { type Expansion, expressions, inputOf } from './expression.ts';

/** alpha · op(A) · op(B), where op may swap the last two axes, and move the first one before the last. */
const fusedMatMul: Expansion = (node, to) => {
  const { matmul, mul } = expressions(to);
  const alpha = floatAttribute(node, 'alpha', 1);
  const moved = ['A', 'B'].map((side, i) => ({
    x: node.inputs[i],
    swap: intAttribute(node, `trans${side}`, 0) === 1,
    batch: intAttribute(node, `transBatch${side}`, 0) === 1,
    rank: to.rankOf(node.inputs[i]),
  }));
  if (moved.some(({ batch, rank }) => batch && rank === undefined)) return 'the rank of its input is not known';
  const [a, b] = moved.map(({ x, swap, batch, rank }) => {
    if (rank === 1 || (!swap && !batch)) return x;
    if (rank === undefined) return to.op('Einsum', [x], { equation: '...ij->...ji' });
    const axes = Array.from({ length: rank }, (_, axis) => axis);
    const order = batch ? [...axes.slice(1, -1), 0, rank - 1] : axes;
    const perm = swap ? [...order.slice(0, -2), order[rank - 1], order[rank - 2]] : order;
    return to.op('Transpose', [x], { perm });
  });
  const [output] = node.outputs;
  if (alpha === 1) matmul(a, b, output);
  else mul(matmul(a, b), scalarLike(alpha, node.inputs[0], to), output);
  return undefined;
};

const fusedGemm: Expansion = (node, to) => {
  const activation = fusedActivation(node);
  if (!activation) return 'its activation is not known';
  const gemm: PlainAttributes = {
    alpha: { float: floatAttribute(node, 'alpha', 1) },
    beta: { float: floatAttribute(node, 'beta', 1) },
    transA: intAttribute(node, 'transA', 0),
    transB: intAttribute(node, 'transB', 0),
  };
  activate(to.op('Gemm', node.inputs, gemm), activation, node.outputs[0], to);
  return undefined;
};

/** Conv, plus a summand Z of its output's shape, through an activation. */
const fusedConv: Expansion = (node, to) => {
  const activation = fusedActivation(node);
  if (!activation) return 'its activation is not known';
  const [x, w, bias = '', summand = ''] = node.inputs;
  const convolved = conv(node, [x, w, bias], to);
  activate(summand ? to.op('Add', [convolved, summand]) : convolved, activation, node.outputs[0], to);
  return undefined;
};

/** Conv of N×H×W×C with weights M×H×W×C. */
const nhwcConv: Expansion = (node, to) => {
  const { add, transpose } = expressions(to);
  const activation = fusedActivation(node);
  if (!activation) return 'its activation is not known';
  const [x, w, bias = '', summand = ''] = node.inputs;
  const convolved = transpose(
    conv(node, [transpose(x, [0, 3, 1, 2]), transpose(w, [0, 3, 1, 2]), bias], to),
    [0, 2, 3, 1],
  );
  activate(summand ? add(convolved, summand) : convolved, activation, node.outputs[0], to);
  return undefined;
};

function conv(node: Node, inputs: readonly string[], to: Rewriter): string {
  const output = to.fresh('Conv');
  const { attributes } = withAttributes(node, {}, ['activation', 'activation_params']);
  const given = inputs.at(-1) ? inputs : inputs.slice(0, -1);
  to.append({ op: 'Conv', domain: '', name: output, inputs: given, outputs: [output], attributes });
  return output;
}

const biasAdd: Expansion = (node, to) => {
  const { add } = expressions(to);
  const [x, bias, skip] = node.inputs;
  add(add(x, bias), skip, node.outputs[0]);
  return undefined;
};

/** (A - zero_a)·scale_a × (B - zero_b)·scale_b + bias, B's parameters being scalars or one per column. */
const integerToFloat: Expansion = (node, to) => {
  const [a, b, scaleA, scaleB] = node.inputs;
  const [zeroA, zeroB, bias] = [4, 5, 6].map((i) => inputOf(node, i));
  if ([scaleA, scaleB].some((scale) => (to.rankOf(scale) ?? 2) > 1))
    return 'the rank of its scales is not known to be 0 or 1';
  if ((to.rankOf(scaleA) ?? 0) === 1 && to.initializerOf(scaleA)?.shape[0] !== 1)
    return 'the scale of its left side is not one number';
  const left = to.op('DequantizeLinear', [a, scaleA, zeroA], { axis: -1 });
  const right = to.op('DequantizeLinear', [b, scaleB, zeroB], { axis: -1 });
  product(left, right, bias, node.outputs[0], to);
  return undefined;
};

/** As above, A being quantized by its own smallest and largest element. */
const dynamicQuantize: Expansion = (node, to) => {
  const [a, b, scale] = node.inputs;
  const [zero, bias] = [3, 4].map((i) => inputOf(node, i));
  if ((to.rankOf(scale) ?? 2) > 1) return 'the rank of its scale is not known to be 0 or 1';
  const left = to.op('DequantizeLinear', to.ops('DynamicQuantizeLinear', [a], {}, 3));
  const right = to.op('DequantizeLinear', [b, scale, zero], { axis: -1 });
  product(left, right, bias, node.outputs[0], to);
  return undefined;
};

function product(a: string, b: string, bias: string, output: string, to: Rewriter): void {
  const { add, matmul } = expressions(to);
  if (bias) add(matmul(a, b), bias, output);
  else matmul(a, b, output);
}

/** Unpacks the 2-, 4- or 8-bit numbers in the bytes of the last axis, lowest bits first; the result is uint8. */
function unpack(packed: string, bits: number, to: Rewriter): string {
  if (bits === 8) return packed;
  const { concat, shape, slice, unsqueeze } = expressions(to);
  const byte = (value: number) => to.scalar(value, 'uint8');
  const parts = Array.from({ length: 8 / bits }, (_, i) => {
    const shifted = i ? to.op('BitShift', [packed, byte(i * bits)], { direction: 'RIGHT' }) : packed;
    return unsqueeze(to.op('BitwiseAnd', [shifted, byte(2 ** bits - 1)]), [-1]);
  });
  const outer = slice(shape(packed), 0, 0, -1);
  return to.op('Reshape', [concat(parts, -1), concat([outer, to.ints([-1])], 0)]);
}

/** (numbers - zero) · scale, block by block along the last axis. Types: uint8, scale's, scale's. */
function dequantize(numbers: string, scale: string, zero: string, to: Rewriter): string {
  const { mul, sub } = expressions(to);
  return mul(sub(to.op('CastLike', [numbers, scale]), zero), scale);
}

/** A × dequantized B, B being stored as N rows of K numbers of 2, 4 or 8 bits in blocks of one scale each. */
const matMulNBits: Expansion = (node, to) => {
  const { add, matmul, reshape, slice, transpose } = expressions(to);
  const [a, b, scales, zeros = '', groups = '', bias = ''] = node.inputs;
  const [bits, size, n, k] = ['bits', 'block_size', 'N', 'K'].map((name) =>
    intAttribute(node, name, name === 'bits' ? 4 : 0),
  );
  if (groups) return 'it has the deprecated input g_idx';
  if (![2, 4, 8].includes(bits)) return `its weights have ${bits} bits`;
  if (intAttribute(node, 'weight_prepacked', 0)) return 'its weights are laid out for one device';
  const blocks = Math.ceil(k / size);
  const scale = reshape(scales, [n, blocks, 1]);
  let zero = scalarLike(2 ** (bits - 1), scales, to);
  if (zeros) {
    const packed = to.typeOf(zeros) === 'uint8';
    const rows = packed ? slice(unpack(reshape(zeros, [n, -1]), bits, to), 1, 0, blocks) : zeros;
    zero = reshape(to.op('CastLike', [rows, scales]), [n, blocks, 1]);
  }
  const weights = dequantize(unpack(reshape(b, [n, blocks, (size * bits) / 8]), bits, to), scale, zero, to);
  const rows = slice(reshape(weights, [n, blocks * size]), 1, 0, k);
  const result = bias ? undefined : node.outputs[0];
  const multiplied = matmul(a, transpose(rows, [1, 0]), result);
  if (bias) add(multiplied, bias, node.outputs[0]);
  return undefined;
};

/** Rows of a table of packed numbers, dequantized after they are gathered. */
const gatherBlockQuantized: Expansion = (node, to) => {
  const { concat, dimension, gather, shape, unsqueeze } = expressions(to);
  const [data, indices, scales, zeros = ''] = node.inputs;
  const rank = to.rankOf(data);
  const bits = intAttribute(node, 'bits', 4);
  const size = intAttribute(node, 'block_size', 128);
  const axis = intAttribute(node, 'quantize_axis', 1);
  if (to.typeOf(data) !== 'uint8') return 'its numbers are not packed in uint8';
  if (rank === undefined || intAttribute(node, 'gather_axis', 0) !== 0 || (axis !== -1 && axis !== rank - 1)) {
    return 'it does not gather along the first axis and quantize along the last';
  }
  if (rank !== 2) return 'its table is not a matrix';
  const numbers = unpack(gather(data, indices, 0), bits, to);
  const scale = gather(scales, indices, 0);
  let zero = scalarLike(2 ** (bits - 1), scales, to);
  if (zeros) {
    const rows = unpack(gather(zeros, indices, 0), bits, to);
    const kept = to.op('Slice', [rows, to.ints([0]), dimension(scale, -1), to.ints([-1])]);
    zero = unsqueeze(to.op('CastLike', [kept, scales]), [-1]);
  }
  // The last block may be shorter than the others: pad it for the reshape, then cut the padding off.
  const width = dimension(numbers, -1);
  const padded = padLast(to.op('Cast', [numbers], { to: codeOfDataType.float32 }), width, size, to);
  const blocked = to.op('Reshape', [padded, concat([shape(scale), to.ints([size])], 0)]);
  const values = dequantize(blocked, unsqueeze(scale, [-1]), zero, to);
  const flat = to.op('Reshape', [values, concat([shape(indices), to.ints([-1])], 0)]);
  to.op('Slice', [flat, to.ints([0]), width, to.ints([-1])], {}, node.outputs[0]);
  return undefined;

  function padLast(x: string, length: string, block: number, target: Rewriter): string {
    const remainder = target.op('Mod', [target.op('Neg', [length]), target.ints([block])]);
    return target.op('Pad', [x, concat([target.ints([0]), remainder], 0), '', target.ints([-1])]);
  }
};

export const productExpansions: Readonly<Record<string, Expansion>> = {
  'com.microsoft.FusedMatMul': fusedMatMul,
  'com.microsoft.TransposeMatMul': fusedMatMul,
  'com.microsoft.FusedGemm': fusedGemm,
  'com.microsoft.FusedConv': fusedConv,
  'com.microsoft.NhwcConv': nhwcConv,
  'com.microsoft.NhwcFusedConv': nhwcConv,
  'com.microsoft.BiasAdd': biasAdd,
  'com.microsoft.MatMulIntegerToFloat': integerToFloat,
  'com.microsoft.DynamicQuantizeMatMul': dynamicQuantize,
  'com.microsoft.MatMulNBits': matMulNBits,
  'com.microsoft.GatherBlockQuantized': gatherBlockQuantized,
};
