import { WhereforeError } from '../../errors.ts';
import { float32 } from '../../tensor/tensor.ts';
import { constantly } from '../initialization.ts';
import { type Network, sizeAt, type Value } from '../network.ts';

export interface NormalizationOptions {
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number;
}

/** Normalises the last axis to mean 0 and variance 1, then scales and shifts it by `<name>.weight` and `<name>.bias`. */
export function layerNorm(network: Network, x: Value, name: string, options: NormalizationOptions = {}): Value {
  const size = sizeAt(x, -1, name);
  const weight = network.parameter(`${name}.weight`, [size], constantly(1));
  const bias = network.parameter(`${name}.bias`, [size], constantly(0));
  const attributes = { axis: -1, epsilon: { float: options.epsilon ?? 1e-5 } };
  network.builder.op('LayerNormalization', [x.name, weight, bias], attributes, { name, outputs: [name] });
  return { name, shape: x.shape };
}

/**
 * Divides the last axis by its root mean square and scales it by `<name>.weight`: `x / √(mean x² + ε) · w` (Zhang and
 * Sennrich 2019, arXiv 1910.07467).
 */
export function rmsNorm(network: Network, x: Value, name: string, options: NormalizationOptions = {}): Value {
  const { builder } = network;
  const weight = network.parameter(`${name}.weight`, [sizeAt(x, -1, name)], constantly(1));
  const square = builder.op('Mul', [x.name, x.name], {}, { name: `${name}.square` });
  const mean = builder.op('ReduceMean', [square, builder.ints([-1])], {}, { name: `${name}.mean` });
  const safe = builder.op('Add', [mean, builder.scalar(options.epsilon ?? 1e-5)], {}, { name: `${name}.safe` });
  const root = builder.op('Sqrt', [safe], {}, { name: `${name}.root` });
  const normal = builder.op('Div', [x.name, root], {}, { name: `${name}.normal` });
  builder.op('Mul', [normal, weight], {}, { name, outputs: [name] });
  return { name, shape: x.shape };
}

/**
 * Normalises groups of channels of `[N, C, …]` within one sample (Wu and He 2018, arXiv 1803.08494), then scales and
 * shifts each channel by `<name>.weight` and `<name>.bias`.
 *
 * It is written with InstanceNormalization over a reshaped value, because the runtime has a kernel for that one and
 * expands GroupNormalization into a dozen small operations.
 */
export function groupNorm(
  network: Network,
  x: Value,
  name: string,
  options: NormalizationOptions & { readonly groups: number },
): Value {
  const { groups, epsilon = 1e-5 } = options;
  const channels = sizeAt(x, 1, name);
  if (channels % groups) {
    throw new WhereforeError('invalid-argument', `layer "${name}": channels do not divide into groups`, {
      got: `${channels} channels, ${groups} groups`,
    });
  }
  const spatial = x.shape.slice(2).map((_, i) => sizeAt(x, i + 2, name));
  const { builder } = network;
  const perChannel = [channels, ...spatial.map(() => 1)];
  const weight = network.parameter(`${name}.weight`, perChannel, constantly(1));
  const bias = network.parameter(`${name}.bias`, perChannel, constantly(0));
  const one = builder.constant(float32([groups], new Float32Array(groups).fill(1)));
  const zero = builder.constant(float32([groups], new Float32Array(groups)));
  const grouped = builder.op('Reshape', [x.name, builder.ints([0, groups, -1])], {}, { name: `${name}.grouped` });
  const normal = builder.op(
    'InstanceNormalization',
    [grouped, one, zero],
    { epsilon: { float: epsilon } },
    { name: `${name}.normal` },
  );
  const ungrouped = builder.op(
    'Reshape',
    [normal, builder.ints([0, channels, ...spatial])],
    {},
    { name: `${name}.ungrouped` },
  );
  const scaled = builder.op('Mul', [ungrouped, weight], {}, { name: `${name}.scaled` });
  builder.op('Add', [scaled, bias], {}, { name, outputs: [name] });
  return { name, shape: x.shape };
}

/**
 * Batch normalisation with *given* statistics: `(x − mean) / √(variance + ε) · weight + bias` per channel, where mean
 * (0) and variance (1) are constants and weight and bias are trained.
 *
 * Statistics of the batch are not offered: with them the output of a sample depends on the others in its batch, so
 * that a sample has no gradient of its own (influence needs it) and a batch cannot be filled up with zero-weight
 * samples. Train with {@link groupNorm} or {@link layerNorm}; this one is for the shape of an existing network.
 */
export function batchNorm(network: Network, x: Value, name: string, options: NormalizationOptions = {}): Value {
  const channels = sizeAt(x, 1, name);
  const weight = network.parameter(`${name}.weight`, [channels], constantly(1));
  const bias = network.parameter(`${name}.bias`, [channels], constantly(0));
  const mean = network.builder.initializer(`${name}.mean`, float32([channels], new Float32Array(channels)));
  const variance = network.builder.initializer(
    `${name}.variance`,
    float32([channels], new Float32Array(channels).fill(1)),
  );
  const attributes = { epsilon: { float: options.epsilon ?? 1e-5 } };
  network.builder.op('BatchNormalization', [x.name, weight, bias, mean, variance], attributes, {
    name,
    outputs: [name],
  });
  return { name, shape: x.shape };
}
