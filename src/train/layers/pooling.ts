import type { Network, Value } from '../network.ts';
import { windowOutput, windowSizes } from './window.ts';

export interface PoolingOptions {
  readonly kernel: number | readonly number[];
  /** Default: the kernel, so that windows do not overlap. */
  readonly stride?: number | readonly number[];
  /** Default 0. */
  readonly padding?: number | readonly number[];
}

function pool(network: Network, x: Value, name: string, op: string, options: PoolingOptions): Value {
  const [kernel, strides, padding] = windowSizes(x, name, [
    options.kernel,
    options.stride ?? options.kernel,
    options.padding ?? 0,
  ]);
  const attributes = { kernel_shape: kernel, strides, pads: [...padding, ...padding] };
  network.builder.op(op, [x.name], attributes, { name, outputs: [name] });
  const spatial = kernel.map((size, i) => windowOutput(x.shape[i + 2], size, strides[i], padding[i], 1));
  return { name, shape: [x.shape[0], x.shape[1], ...spatial] };
}

/** The largest element of each window. */
export const maxPool = (network: Network, x: Value, name: string, options: PoolingOptions): Value =>
  pool(network, x, name, 'MaxPool', options);

/** The mean of each window; padding does not count. */
export const averagePool = (network: Network, x: Value, name: string, options: PoolingOptions): Value =>
  pool(network, x, name, 'AveragePool', options);

/** The mean over all spatial axes: `[N, C, …]` becomes `[N, C]`. */
export function globalAveragePool(network: Network, x: Value, name: string): Value {
  const pooled = network.builder.op('GlobalAveragePool', [x.name], {}, { name });
  network.builder.op('Flatten', [pooled], { axis: 1 }, { name: `${name}.flat`, outputs: [`${name}.flat`] });
  return { name: `${name}.flat`, shape: [x.shape[0], x.shape[1]] };
}

/** The mean over axis `axis`, e.g. over the tokens of a text. */
export function meanOver(network: Network, x: Value, name: string, axis: number): Value {
  network.builder.op('ReduceMean', [x.name, network.builder.ints([axis])], { keepdims: 0 }, { name, outputs: [name] });
  return { name, shape: x.shape.filter((_, i) => i !== axis) };
}
