import { floatAttribute, intAttribute, type Node, type PlainAttributes } from '../../graph.ts';
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
};
