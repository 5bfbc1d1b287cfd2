import type { PlainAttributes } from '../../onnx/graph.ts';
import type { Network, Value } from '../network.ts';

const single: Readonly<Record<string, { readonly op: string; readonly attributes?: PlainAttributes }>> = {
  relu: { op: 'Relu' },
  gelu: { op: 'Gelu' },
  'gelu-tanh': { op: 'Gelu', attributes: { approximate: 'tanh' } },
  tanh: { op: 'Tanh' },
  sigmoid: { op: 'Sigmoid' },
  elu: { op: 'Elu' },
  softplus: { op: 'Softplus' },
};

/** Name of an activation function. `gelu` is the exact one, `silu` is x·σ(x). */
export type Activation = 'relu' | 'gelu' | 'gelu-tanh' | 'silu' | 'tanh' | 'sigmoid' | 'elu' | 'softplus';

/** Applies an activation function to every element. */
export function activation(network: Network, x: Value, name: string, kind: Activation): Value {
  const { builder } = network;
  if (kind === 'silu') {
    const gate = builder.op('Sigmoid', [x.name], {}, { name: `${name}.gate` });
    builder.op('Mul', [x.name, gate], {}, { name, outputs: [name] });
  } else {
    const { op, attributes } = single[kind];
    builder.op(op, [x.name], attributes, { name, outputs: [name] });
  }
  return { name, shape: x.shape };
}

/** `a + b`, of equal shapes: a residual connection. */
export function add(network: Network, a: Value, b: Value, name: string): Value {
  network.builder.op('Add', [a.name, b.name], {}, { name, outputs: [name] });
  return { name, shape: a.shape };
}

/** `[N, …]` as `[N, product of the rest]`. */
export function flatten(network: Network, x: Value, name: string): Value {
  network.builder.op('Flatten', [x.name], { axis: 1 }, { name, outputs: [name] });
  const rest = x.shape.slice(1);
  const known = rest.every((size): size is number => typeof size === 'number');
  return { name, shape: [x.shape[0], known ? rest.reduce((product, size) => product * size, 1) : undefined] };
}
