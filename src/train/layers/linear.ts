import { constantly, type Initialization, kaimingNormal, normalWith } from '../initialization.ts';
import { type Network, sizeAt, type Value } from '../network.ts';

export interface LinearOptions {
  /** Size of the last axis of the result. */
  readonly features: number;
  /** Default true. */
  readonly bias?: boolean;
  /** Default {@link kaimingNormal}. */
  readonly initialization?: Initialization;
}

/** `x · W + b` over the last axis; `W` is `<name>.weight` of shape `[in, features]`, `b` is `<name>.bias`, 0 at the start. */
export function linear(network: Network, x: Value, name: string, options: LinearOptions): Value {
  const { features, bias = true, initialization = kaimingNormal } = options;
  const size = sizeAt(x, -1, name);
  const weight = network.parameter(`${name}.weight`, [size, features], initialization, { in: size, out: features });
  const offset = bias ? network.parameter(`${name}.bias`, [features], constantly(0)) : undefined;
  const { builder } = network;
  const shape = [...x.shape.slice(0, -1), features];
  if (x.shape.length === 2) {
    builder.op('Gemm', offset ? [x.name, weight, offset] : [x.name, weight], {}, { name, outputs: [name] });
  } else if (offset) {
    const product = builder.op('MatMul', [x.name, weight], {}, { name: `${name}.product` });
    builder.op('Add', [product, offset], {}, { name, outputs: [name] });
  } else {
    builder.op('MatMul', [x.name, weight], {}, { name, outputs: [name] });
  }
  return { name, shape };
}

export interface EmbeddingOptions {
  /** How many different indices there are. */
  readonly count: number;
  readonly features: number;
  /** Default: normal with standard deviation 0.02. */
  readonly initialization?: Initialization;
}

/** One learned vector per index: row `x` of `<name>.weight`, of shape `[count, features]`. `x` is int64. */
export function embedding(network: Network, x: Value, name: string, options: EmbeddingOptions): Value {
  const { count, features, initialization = normalWith(0.02) } = options;
  const weight = network.parameter(`${name}.weight`, [count, features], initialization, { in: count, out: features });
  network.builder.op('Gather', [weight, x.name], { axis: 0 }, { name, outputs: [name] });
  return { name, shape: [...x.shape, features] };
}

/** Adds one learned vector per position of axis 1: `<name>.weight` of shape `[positions, features]`. */
export function positionEmbedding(
  network: Network,
  x: Value,
  name: string,
  initialization: Initialization = normalWith(0.02),
): Value {
  const [positions, features] = [sizeAt(x, 1, name), sizeAt(x, -1, name)];
  const weight = network.parameter(`${name}.weight`, [positions, features], initialization, {
    in: positions,
    out: features,
  });
  network.builder.op('Add', [x.name, weight], {}, { name, outputs: [name] });
  return { name, shape: x.shape };
}
