import {
  activation,
  add,
  convolution,
  embedding,
  groupNorm,
  maxPool,
  type Network,
  type Value,
} from '../train/index.ts';
import { constantly } from '../train/initialization.ts';
import { sizeAt } from '../train/network.ts';
import type { FeatureMap, ImageLayout } from './feature-maps.ts';

/** Every name that the explainer adds to a graph starts with this. */
export const prefix = 'lax/';

/** The mask before its sigmoid. */
export const logits = `${prefix}laid`;

/** Groups of the normalisation; channels are rounded up to a multiple of it. */
const groups = 4;

export interface AdapterOptions {
  readonly channels: number;
  readonly classes: number;
  readonly layout: ImageLayout;
  /** Channels at the size of the image; 0 for none. */
  readonly detail: number;
}

/**
 * The adapter on features of a frozen model: a mask `[N, 1, H, W]` in (0, 1) for a class.
 *
 * Every map goes through a 1×1 convolution to `channels`; the highest is scaled and shifted by two vectors of the class
 * (FiLM, Perez et al. 2018, arXiv 1709.07871); then from high to low: 3×3 convolution, normalisation, SiLU, the size of
 * the next lower map, plus that map; then to `detail` channels and the size of the image, plus the image itself
 * after a 3×3 convolution, normalisation and SiLU, and one more such block; a 1×1 convolution at the end and a sigmoid.
 * Without `detail` the 1×1 convolution comes before the size of the image.
 * SiLU takes the place of GELU: it is written with operators of every opset, so that the adapter can be appended to the
 * nodes of a model file as they are.
 * @param maps low to high
 * @param image the input, channels first
 * @param label the class, int64 `[N]`
 * @param gradient what the adapter is told of the gradient of the class, `[N, channels, H, W]`: it joins the image, and a
 *   3×3 convolution of it is added before the sigmoid
 */
export function adapter(
  network: Network,
  maps: readonly FeatureMap[],
  image: Value,
  label: string,
  options: AdapterOptions,
  gradient?: Value,
): Value {
  const laterals = maps.map((map, i) => {
    const name = `${prefix}lateral${i + 1}`;
    const entering = asNchw(network, map, name);
    return normalised(network, convolution(network, entering, name, { channels: options.channels, kernel: 1 }), name);
  });
  const decoded = decode(network, laterals, label, options);
  return masked(network, detailed(network, decoded, image, options, gradient), options, gradient);
}

/**
 * The explainer without internals: a small U-Net on the image. Three stages of convolution and halving, then the same
 * way up as {@link adapter}.
 * @param image the input, channels first
 */
export function unet(network: Network, image: Value, label: string, options: AdapterOptions): Value {
  const stages: Value[] = [];
  let x = image;
  for (let i = 0; i < 3; i++) {
    const name = `${prefix}down${i + 1}`;
    if (i > 0) {
      if (Math.min(sizeAt(x, 2, name), sizeAt(x, 3, name)) < 4) break;
      x = maxPool(network, x, `${name}.pool`, { kernel: 2 });
    }
    x = block(network, x, name, options.channels);
    stages.push(x);
  }
  return masked(network, decode(network, stages, label, options), options);
}

function decode(network: Network, laterals: readonly Value[], label: string, options: AdapterOptions): Value {
  const [top, ...lower] = laterals.toReversed();
  let x = block(network, conditioned(network, top, label, options), `${prefix}top`, options.channels);
  lower.forEach((lateral, i) => {
    const name = `${prefix}up${i + 1}`;
    x = add(network, resized(network, x, `${name}.resized`, lateral, 'nearest'), lateral, `${name}.sum`);
    x = block(network, x, name, options.channels);
  });
  return x;
}

/** What the features tell, joined at the size of the image by what its pixels tell. */
function detailed(
  network: Network,
  x: Value,
  image: Value,
  { detail, layout }: AdapterOptions,
  gradient?: Value,
): Value {
  if (detail === 0) return x;
  const name = `${prefix}detail`;
  const narrow = convolution(network, x, `${name}.narrow`, { channels: detail, kernel: 1 });
  const laid = resized(network, narrow, `${name}.laid`, sized(narrow, layout), 'linear');
  const full = gradient ? joined(network, [image, gradient], `${name}.told`) : image;
  const pixels = block(network, full, `${name}.pixels`, detail);
  return block(network, add(network, laid, pixels, `${name}.sum`), name, detail);
}

/** The mask of what is decoded. */
function masked(network: Network, x: Value, { layout }: AdapterOptions, gradient?: Value): Value {
  const head = convolution(network, x, `${prefix}head`, { channels: 1, kernel: 1 });
  // Resized before the sigmoid: interpolating its values could leave (0, 1) by a rounding.
  const laid = resized(network, head, gradient ? `${prefix}far` : logits, sized(head, layout), 'linear');
  if (gradient) {
    const near = convolution(network, gradient, `${prefix}near`, { channels: 1, kernel: 3, padding: 1, bias: false });
    add(network, laid, near, logits);
  }
  return activation(network, { name: logits, shape: laid.shape }, `${prefix}mask`, 'sigmoid');
}

/** Values side by side along their channels. */
function joined(network: Network, values: readonly Value[], name: string): Value {
  const inputs = values.map((value) => value.name);
  network.builder.op('Concat', inputs, { axis: 1 }, { name, outputs: [name] });
  const [{ shape }] = values;
  const channels = values.reduce((sum, value) => sum + sizeAt(value, 1, name), 0);
  return { name, shape: [shape[0], channels, ...shape.slice(2)] };
}

const sized = ({ shape }: Value, { height, width }: ImageLayout): Value => ({
  name: '',
  shape: [...shape.slice(0, 2), height, width],
});

function block(network: Network, x: Value, name: string, channels: number): Value {
  const convolved = convolution(network, x, `${name}.convolution`, { channels, kernel: 3, padding: 1, bias: false });
  return activation(network, normalised(network, convolved, name), `${name}.active`, 'silu');
}

const normalised = (network: Network, x: Value, name: string) => groupNorm(network, x, `${name}.norm`, { groups });

/** FiLM: `(1 + γ_c)·x + β_c` with one γ and one β per class and channel, 0 at the start. */
function conditioned(network: Network, x: Value, label: string, { classes, channels }: AdapterOptions): Value {
  const perChannel = (what: string) => {
    const name = `${prefix}film.${what}`;
    const row = embedding(network, { name: label, shape: ['N'] }, name, {
      count: classes,
      features: channels,
      initialization: constantly(0),
    });
    return network.builder.op('Reshape', [row.name, network.builder.ints([0, channels, 1, 1])]);
  };
  const { builder } = network;
  const scale = builder.op('Add', [perChannel('scale'), builder.scalar(1)]);
  const scaled = builder.op('Mul', [x.name, scale]);
  return { name: builder.op('Add', [scaled, perChannel('shift')]), shape: x.shape };
}

/** A feature map with its channels first. */
function asNchw(network: Network, map: FeatureMap, name: string): Value {
  const { builder } = network;
  const shape = ['N', map.channels, map.height, map.width];
  switch (map.form) {
    case 'NCHW':
      return { name: map.name, shape };
    case 'NHWC':
      return { name: builder.op('Transpose', [map.name], { perm: [0, 3, 1, 2] }, { name: `${name}.moved` }), shape };
    case 'tokens': {
      const from = [map.name, builder.ints([map.skipped]), builder.ints([Number.MAX_SAFE_INTEGER]), builder.ints([1])];
      const grid = map.skipped ? builder.op('Slice', from) : map.name;
      const moved = builder.op('Transpose', [grid], { perm: [0, 2, 1] });
      const target = builder.ints([0, map.channels, map.height, map.width]);
      return { name: builder.op('Reshape', [moved, target]), shape };
    }
  }
}

/** A value at the height and width of another. */
function resized(network: Network, x: Value, name: string, like: Value, mode: 'nearest' | 'linear'): Value {
  const [height, width] = [sizeAt(like, 2, name), sizeAt(like, 3, name)];
  const shape = [...x.shape.slice(0, 2), height, width];
  const { builder } = network;
  if (height === sizeAt(x, 2, name) && width === sizeAt(x, 3, name)) {
    return { name: builder.op('Identity', [x.name], {}, { name, outputs: [name] }), shape };
  }
  const rows = builder.op('Slice', [builder.op('Shape', [x.name]), builder.ints([0]), builder.ints([2])]);
  const sizes = builder.op('Concat', [rows, builder.ints([height, width])], { axis: 0 });
  const attributes = {
    mode,
    coordinate_transformation_mode: mode === 'nearest' ? 'asymmetric' : 'half_pixel',
    ...(mode === 'nearest' && { nearest_mode: 'floor' }),
  };
  builder.op('Resize', [x.name, '', '', sizes], attributes, { name, outputs: [name] });
  return { name, shape };
}
