import { WhereforeError } from '../../errors.ts';
import { float32 } from '../../tensor/tensor.ts';
import { normalWith } from '../initialization.ts';
import { type Network, sizeAt, type Value } from '../network.ts';
import { type Activation, activation, add } from './activations.ts';
import { linear } from './linear.ts';
import { layerNorm } from './normalization.ts';

export interface AttentionOptions {
  /** Heads; the features divide among them. */
  readonly heads: number;
  /** Whether a position sees only itself and those before it. Default false. */
  readonly causal?: boolean;
}

/** Low enough that its exponential is exactly 0, finite so that nothing becomes NaN. */
const masked = -1e9;

/**
 * Multi-head self-attention over `[N, T, D]`: `softmax(Q·Kᵀ/√d)·V` per head, joined and projected
 * (Vaswani et al. 2017, arXiv 1706.03762). Parameters: `<name>.qkv.*`, `<name>.projection.*`; the weights of the
 * attention are the value `<name>.attention`, of shape `[N, heads, T, T]`.
 */
export function selfAttention(network: Network, x: Value, name: string, options: AttentionOptions): Value {
  const { heads, causal = false } = options;
  const { builder } = network;
  const features = sizeAt(x, -1, name);
  if (features % heads) {
    throw new WhereforeError('invalid-argument', `layer "${name}": features do not divide among heads`, {
      got: `${features} features, ${heads} heads`,
    });
  }
  const width = features / heads;
  const initialization = normalWith(0.02);
  const joined = linear(network, x, `${name}.qkv`, { features: 3 * features, initialization });
  const parts = ['query', 'key', 'value'].map((part) => `${name}.${part}`);
  builder.ops(
    'Split',
    [joined.name, builder.ints([features, features, features])],
    { axis: 2 },
    { name: `${name}.split`, outputs: parts },
  );
  const [query, key, value] = parts.map((part) => {
    const split = builder.op('Reshape', [part, builder.ints([0, 0, heads, width])], {}, { name: `${part}.heads` });
    const perm = part === `${name}.key` ? [0, 2, 3, 1] : [0, 2, 1, 3];
    return builder.op('Transpose', [split], { perm }, { name: `${part}.byHead` });
  });
  const products = builder.op('MatMul', [query, key], {}, { name: `${name}.products` });
  let scores = builder.op('Mul', [products, builder.scalar(1 / Math.sqrt(width))], {}, { name: `${name}.scores` });
  if (causal) scores = builder.op('Add', [scores, causalMask(network, x, name)], {}, { name: `${name}.causal` });
  const weights = builder.op(
    'Softmax',
    [scores],
    { axis: -1 },
    { name: `${name}.attention`, outputs: [`${name}.attention`] },
  );
  const mixed = builder.op('MatMul', [weights, value], {}, { name: `${name}.mixed` });
  const ordered = builder.op('Transpose', [mixed], { perm: [0, 2, 1, 3] }, { name: `${name}.ordered` });
  const flat = builder.op('Reshape', [ordered, builder.ints([0, 0, features])], {}, { name: `${name}.flat` });
  return linear(network, { name: flat, shape: x.shape }, `${name}.projection`, { features, initialization });
}

function causalMask(network: Network, x: Value, name: string): string {
  const length = sizeAt(x, 1, name);
  const mask = new Float32Array(length * length);
  for (let row = 0; row < length; row++) mask.fill(masked, row * length + row + 1, (row + 1) * length);
  return network.builder.constant(float32([1, 1, length, length], mask));
}

export interface TransformerBlockOptions extends AttentionOptions {
  /** Size of the inner layer of the feed-forward part, in multiples of the features. Default 4. */
  readonly expansion?: number;
  /** Default gelu. */
  readonly activation?: Activation;
}

/**
 * A pre-norm transformer block: `x + attention(norm(x))`, then `+ feedForward(norm(·))` (Xiong et al. 2020,
 * arXiv 2002.04745). Its values are `<name>.attended` and `<name>`.
 */
export function transformerBlock(network: Network, x: Value, name: string, options: TransformerBlockOptions): Value {
  const { expansion = 4, activation: kind = 'gelu' } = options;
  const features = sizeAt(x, -1, name);
  const initialization = normalWith(0.02);
  const attention = selfAttention(network, layerNorm(network, x, `${name}.norm1`), `${name}.attention`, options);
  const attended = add(network, x, attention, `${name}.attended`);
  const normal = layerNorm(network, attended, `${name}.norm2`);
  const inner = linear(network, normal, `${name}.inner`, { features: expansion * features, initialization });
  const active = activation(network, inner, `${name}.active`, kind);
  const outer = linear(network, active, `${name}.outer`, { features, initialization });
  return add(network, attended, outer, name);
}
