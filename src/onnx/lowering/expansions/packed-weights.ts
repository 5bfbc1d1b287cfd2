import { float32 } from '../../../tensor/tensor.ts';
import { intAttribute } from '../../graph.ts';
import { codeOfDataType } from '../../types.ts';
import type { Rewriter } from '../rewrite.ts';
import { scalarLike } from '../upgraders/attributes.ts';
import { type Expansion, expressions } from './expression.ts';

/** Unpacks the 2-, 4- or 8-bit numbers in the bytes of the last axis, lowest bits first; the result is uint8. */
export function unpack(packed: string, bits: number, to: Rewriter): string {
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

/** Dequantized rows [N, K] where column k has the scale of block `groups[k]` instead of its own. */
function groupedRows(numbers: string, scale: string, zero: string, groups: string, to: Rewriter): string {
  const { gather, reshape } = expressions(to);
  return dequantize(numbers, gather(reshape(scale, [0, -1]), groups, 1), zero, to);
}

/** A × dequantized B, B being stored as N rows of K numbers of 2, 4 or 8 bits in blocks of one scale each. */
const matMulNBits: Expansion = (node, to) => {
  const { add, matmul, reshape, slice, transpose } = expressions(to);
  const [a, b, scales, zeros = '', groups = '', bias = ''] = node.inputs;
  const [bits, size, n, k] = ['bits', 'block_size', 'N', 'K'].map((name) =>
    intAttribute(node, name, name === 'bits' ? 4 : 0),
  );
  if (groups && zeros) return 'the runtime leaves zero points out where there is a g_idx';
  if (groups && (to.rankOf(groups) !== 1 || size <= 0)) return 'the rank of its g_idx is not known to be 1';
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
  const numbers = unpack(reshape(b, [n, blocks, (size * bits) / 8]), bits, to);
  const rows = groups
    ? groupedRows(slice(reshape(numbers, [n, blocks * size]), 1, 0, k), scale, zero, slice(groups, 0, 0, k), to)
    : slice(reshape(dequantize(numbers, scale, zero, to), [n, blocks * size]), 1, 0, k);
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

/** What the 16 codes of bitsandbytes stand for, before they are scaled: 4-bit floats, and quantiles of a normal distribution. */
const codebooks: readonly (readonly number[])[] = [
  [0, 1 / 192, 2 / 3, 1, 1 / 3, 1 / 2, 1 / 6, 1 / 4, 0, -1 / 192, -2 / 3, -1, -1 / 3, -1 / 2, -1 / 6, -1 / 4],
  [
    -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
    -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
  ],
];

/** A × Bᵀ, B [N, K] being stored row by row in codes of 4 bits, the high half of a byte first, in blocks of one scale each. */
const matMulBnb4: Expansion = (node, to) => {
  const { concat, gather, matmul, mul, reshape, slice, transpose, unsqueeze } = expressions(to);
  const [a, b, largest] = node.inputs;
  const [n, k, size, type] = ['N', 'K', 'block_size', 'quant_type'].map((name) => intAttribute(node, name, 0));
  const codebook = codebooks[type];
  if (!codebook || size <= 0) return 'its type of quantization is not known';
  if (intAttribute(node, 'transB', 1) === 0) return 'its weights are not transposed';
  const halves = [
    to.op('BitShift', [b, to.scalar(4, 'uint8')], { direction: 'RIGHT' }),
    to.op('BitwiseAnd', [b, to.scalar(15, 'uint8')]),
  ];
  const codes = reshape(
    concat(
      halves.map((half) => unsqueeze(half, [-1])),
      -1,
    ),
    [-1],
  );
  const wide = to.op('Cast', [codes], { to: codeOfDataType.int32 });
  const values = gather(to.op('CastLike', [to.constant(float32([16], codebook)), largest]), wide, 0);
  // The last block may be shorter than the others.
  const blocks = Math.ceil((n * k) / size);
  const scales = reshape(to.op('Expand', [reshape(largest, [-1, 1]), to.ints([blocks, size])]), [-1]);
  const weights = mul(slice(values, 0, 0, n * k), slice(scales, 0, 0, n * k));
  matmul(a, transpose(reshape(weights, [n, k]), [1, 0]), node.outputs[0]);
  return undefined;
};

export const packedWeightExpansions: Readonly<Record<string, Expansion>> = {
  'com.microsoft.MatMulNBits': matMulNBits,
  'com.microsoft.MatMulBnb4': matMulBnb4,
  'com.microsoft.GatherBlockQuantized': gatherBlockQuantized,
};
