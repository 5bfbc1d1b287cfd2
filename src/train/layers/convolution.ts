import { WhereforeError } from '../../errors.ts';
import { sizeOf } from '../../tensor/tensor.ts';
import { constantly, type Initialization, kaimingNormal } from '../initialization.ts';
import { type Network, sizeAt, type Value } from '../network.ts';
import { windowOutput, windowSizes } from './window.ts';

export interface ConvolutionOptions {
  /** Output channels. */
  readonly channels: number;
  /** Size of the kernel, one number for all axes or one per axis. */
  readonly kernel: number | readonly number[];
  /** Default 1. */
  readonly stride?: number | readonly number[];
  /** Zeros on either side. Default 0. */
  readonly padding?: number | readonly number[];
  /** Default 1. */
  readonly dilation?: number | readonly number[];
  /** Input channels are split into so many groups; the number of input channels makes it depthwise. Default 1. */
  readonly groups?: number;
  /** Default true. */
  readonly bias?: boolean;
  /** Default {@link kaimingNormal}. */
  readonly initialization?: Initialization;
}

/**
 * Convolution of `[N, C, …]` over one, two or three spatial axes, as many as the value has.
 * The kernel is `<name>.weight` of shape `[channels, C/groups, …kernel]`, the bias `<name>.bias`, 0 at the start.
 */
export function convolution(network: Network, x: Value, name: string, options: ConvolutionOptions): Value {
  const { channels, groups = 1, bias = true, initialization = kaimingNormal } = options;
  const spatial = x.shape.length - 2;
  const [kernel, strides, padding, dilations] = windowSizes(x, name, [
    options.kernel,
    options.stride ?? 1,
    options.padding ?? 0,
    options.dilation ?? 1,
  ]);
  const entering = sizeAt(x, 1, name);
  if (entering % groups || channels % groups) {
    throw new WhereforeError('invalid-argument', `layer "${name}": channels do not divide into groups`, {
      got: `${entering} and ${channels} channels, ${groups} groups`,
    });
  }
  const taps = sizeOf(kernel);
  const fans = { in: (entering / groups) * taps, out: (channels / groups) * taps };
  const weight = network.parameter(`${name}.weight`, [channels, entering / groups, ...kernel], initialization, fans);
  const inputs = [x.name, weight];
  if (bias) inputs.push(network.parameter(`${name}.bias`, [channels], constantly(0)));
  const attributes = { kernel_shape: kernel, strides, pads: [...padding, ...padding], dilations, group: groups };
  network.builder.op('Conv', inputs, attributes, { name, outputs: [name] });
  const output = Array.from({ length: spatial }, (_, i) =>
    windowOutput(x.shape[i + 2], kernel[i], strides[i], padding[i], dilations[i]),
  );
  return { name, shape: [x.shape[0], channels, ...output] };
}
