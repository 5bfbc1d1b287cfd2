import { lookup } from '../../../tensor/lookup.ts';
import { float32 } from '../../../tensor/tensor.ts';
import { floatAttribute, type Node, stringAttribute } from '../../graph.ts';
import type { Rewriter } from '../rewrite.ts';
import { scalarLike } from '../upgraders/attributes.ts';
import { type Expansion, expressions } from './expression.ts';

/** Gelu(x + bias), exact or by tanh. */
const gelu =
  (approximate: 'none' | 'tanh'): Expansion =>
  (node, to) => {
    const [x, bias] = node.inputs;
    to.op('Gelu', [bias ? to.op('Add', [x, bias]) : x], { approximate }, node.outputs[0]);
    return undefined;
  };

/** x · sigmoid(alpha · x); Swish of opset 24 is the same with another default. */
const sigmoidGated =
  (alpha: number): Expansion =>
  (node, to) => {
    const { mul, sigmoid } = expressions(to);
    const [x] = node.inputs;
    const factor = floatAttribute(node, 'alpha', alpha);
    mul(x, sigmoid(factor === 1 ? x : mul(x, scalarLike(factor, x, to))), node.outputs[0]);
    return undefined;
  };

/** The left half of x + bias, times the Gelu of the right half. */
const biasSplitGelu: Expansion = (node, to) => {
  const { add, mul } = expressions(to);
  const [x, bias] = node.inputs;
  const [left, right] = to.ops('Split', [add(x, bias)], { axis: -1, num_outputs: 2 }, 2);
  mul(left, to.op('Gelu', [right], { approximate: 'none' }), node.outputs[0]);
  return undefined;
};

/** alpha · f(beta · x), the runtime's old experimental activations. */
const scaled =
  (op: string): Expansion =>
  (node, to) => {
    const { mul } = expressions(to);
    const [x] = node.inputs;
    const [alpha, beta] = ['alpha', 'beta'].map((name) => scalarLike(floatAttribute(node, name, 1), x, to));
    mul(alpha, to.op(op, [mul(beta, x)]), node.outputs[0]);
    return undefined;
  };

/** alpha · x + beta. */
const affine: Expansion = (node, to) => {
  const { add, mul } = expressions(to);
  const [x] = node.inputs;
  const [alpha, beta] = ['alpha', 'beta'].map((name, i) => scalarLike(floatAttribute(node, name, i ? 0 : 1), x, to));
  add(mul(alpha, x), beta, node.outputs[0]);
  return undefined;
};

/** scale · x + bias per channel, on N×C×H×W. */
const imageScaler: Expansion = (node, to) => {
  const { add, mul } = expressions(to);
  const [x] = node.inputs;
  const bias = node.attributes.bias;
  if (bias?.kind !== 'floats') return 'it has no bias';
  const shifts = to.constant(float32([bias.value.length, 1, 1], bias.value));
  add(mul(x, scalarLike(floatAttribute(node, 'scale', 1), x, to)), shifts, node.outputs[0]);
  return undefined;
};

export const activationExpansions: Readonly<Record<string, Expansion>> = {
  'com.microsoft.Gelu': gelu('none'),
  'com.microsoft.BiasGelu': gelu('none'),
  'com.microsoft.FastGelu': gelu('tanh'),
  'com.microsoft.QuickGelu': sigmoidGated(1.702),
  'com.microsoft.BiasSplitGelu': biasSplitGelu,
  Swish: sigmoidGated(1),
  ScaledTanh: scaled('Tanh'),
  ParametricSoftplus: scaled('Softplus'),
  Affine: affine,
  ImageScaler: imageScaler,
};

/** Activations that the fused operators name, with the order of their parameters. */
const fused: Readonly<Record<string, readonly string[]>> = {
  Relu: [],
  Tanh: [],
  Sigmoid: [],
  LeakyRelu: ['alpha'],
  Elu: ['alpha'],
  ThresholdedRelu: ['alpha'],
  HardSigmoid: ['alpha', 'beta'],
  Softsign: [],
  Softplus: [],
  Clip: ['min', 'max'],
};

/** The activation that a fused operator ends with; undefined when it is not one of those known. */
export function fusedActivation(
  node: Node,
): { readonly name: string; readonly parameters: readonly number[] } | undefined {
  const name = stringAttribute(node, 'activation', '');
  if (name !== '' && !lookup(fused, name)) return undefined;
  const list = node.attributes.activation_params;
  const single = ['activation_alpha', 'activation_beta'].flatMap((key) =>
    node.attributes[key] ? [floatAttribute(node, key, 0)] : [],
  );
  return { name, parameters: list?.kind === 'floats' ? list.value : single };
}

/** Appends a fused operator's activation. */
export function activate(
  x: string,
  activation: NonNullable<ReturnType<typeof fusedActivation>>,
  output: string,
  to: Rewriter,
): void {
  const { name, parameters } = activation;
  if (name === 'Clip') {
    to.op('Clip', [x, ...parameters.map((limit) => scalarLike(limit, x, to))], {}, output);
    return;
  }
  const attributes = Object.fromEntries(
    (lookup(fused, name) ?? []).flatMap((key, i) =>
      parameters[i] === undefined ? [] : [[key, { float: parameters[i] }]],
    ),
  );
  to.op(name || 'Identity', [x], attributes, output);
}
