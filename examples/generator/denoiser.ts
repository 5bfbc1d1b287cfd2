import type { OnnxModel } from '../../src/onnx/graph.ts';
import { filled } from '../../src/tensor/filled.ts';
import { float32 } from '../../src/tensor/tensor.ts';
import { constantly, normalWith } from '../../src/train/initialization.ts';
import { activation, add, convolution, groupNorm, linear } from '../../src/train/layers/index.ts';
import { Network, type Value } from '../../src/train/network.ts';
import { grid } from './codebook.ts';
import { slots } from './draw.ts';
import { captionVocabulary } from './network.ts';

/** Numbers of a patch: an image is [patchWidth, grid, grid], each number less .5 and over .33. */
export const patchWidth = 27;
const channels = 64;
const blocks = 4;
/** Numbers that carry time and caption. */
const condition = 96;
/** Frequencies of the time, 1 to e⁶. */
const frequencies = 16;

const imageShape = ['N', patchWidth, grid, grid] as const;

/**
 * The image that a noisy one was, by its time (0 clean, 1 noise) and caption: residual blocks of two 3 × 3 convolutions
 * over the grid of patches, each scaled and shifted by the condition, and one layer that mixes positions.
 * Source: Perez et al. 2018 (AAAI) for the condition; Salimans, Ho 2022 (ICLR) for predicting the image.
 */
function denoised(network: Network, noisy: Value, time: Value, caption: Value): Value {
  const { builder } = network;
  const steps = filled(new Float32Array(frequencies), (i) => Math.exp((6 * i) / (frequencies - 1)));
  const angles = builder.op('Mul', [time.name, builder.constant(float32([1, frequencies], steps))]);
  const waves = builder.op('Concat', [builder.op('Sin', [angles]), builder.op('Cos', [angles])], { axis: 1 });
  let when = linear(network, { name: waves, shape: ['N', 2 * frequencies] }, 'time1', { features: condition });
  when = linear(network, activation(network, when, 'time1.silu', 'silu'), 'time2', { features: condition });
  const table = network.parameter('words.weight', [captionVocabulary, condition], normalWith(1));
  const words = builder.op('Gather', [table, caption.name], { axis: 0 });
  const said = builder.op('ReduceSum', [words, builder.ints([1])], { keepdims: 0 });
  const sum = add(network, when, { name: said, shape: when.shape }, 'condition');
  const given = activation(network, sum, 'condition.silu', 'silu');
  let x = convolution(network, noisy, 'in', { channels, kernel: 1 });
  const places = network.parameter('places', [channels, grid, grid], normalWith(0.1));
  x = { name: builder.op('Add', [x.name, places]), shape: x.shape };
  for (let block = 1; block <= blocks; block++) {
    x = residual(network, x, given, `block${block}`);
    if (block === blocks / 2 + 1) x = mixed(network, x);
  }
  x = activation(network, groupNorm(network, x, 'norm', { groups: 8 }), 'norm.silu', 'silu');
  return convolution(network, x, 'out', { channels: patchWidth, kernel: 1, initialization: constantly(0) });
}

function residual(network: Network, x: Value, given: Value, name: string): Value {
  const { builder } = network;
  let h = activation(network, groupNorm(network, x, `${name}.norm1`, { groups: 8 }), `${name}.silu1`, 'silu');
  h = convolution(network, h, `${name}.conv1`, { channels, kernel: 3, padding: 1 });
  h = groupNorm(network, h, `${name}.norm2`, { groups: 8 });
  const factor = linear(network, given, `${name}.factor`, { features: channels });
  const shift = linear(network, given, `${name}.shift`, { features: channels });
  const spread = (value: Value) => builder.op('Unsqueeze', [value.name, builder.ints([2, 3])]);
  const scaled = builder.op('Mul', [h.name, builder.op('Add', [spread(factor), builder.scalar(1)])]);
  h = { name: builder.op('Add', [scaled, spread(shift)]), shape: h.shape };
  h = activation(network, h, `${name}.silu2`, 'silu');
  const last = { channels, kernel: 3, padding: 1, initialization: constantly(0) };
  return add(network, x, convolution(network, h, `${name}.conv2`, last), `${name}.sum`);
}

/** Every position reads all the others, channel by channel. */
function mixed(network: Network, x: Value): Value {
  const { builder } = network;
  const rows = builder.op('Reshape', [x.name, builder.ints([0, channels, grid * grid])]);
  const read = linear(network, { name: rows, shape: ['N', channels, grid * grid] }, 'mix', { features: grid * grid });
  const square = builder.op('Reshape', [read.name, builder.ints([0, channels, grid, grid])]);
  return add(network, x, { name: square, shape: x.shape }, 'mix.sum');
}

/**
 * What training and costs ask: the image under noise at a time, `cos(πt/2) x + sin(πt/2) ε`, is denoised. Outputs: `loss`
 * [N], the mean squared error times min(1/sin², 5), and `errors` [N, grid, grid], the squared error of each patch.
 */
export function errorNetwork(seed: number): OnnxModel {
  const network = new Network({ name: 'diffusion', seed });
  const { builder } = network;
  const { image, name, sine } = denoisedUnderNoise(network);
  const off = builder.op('Sub', [name, image.name]);
  const squares = builder.op('Mul', [off, off]);
  builder.op('ReduceSum', [squares, builder.ints([1])], { keepdims: 0 }, { outputs: ['errors'] });
  const mean = builder.op('ReduceMean', [squares, builder.ints([1, 2, 3])], { keepdims: 0 });
  const inverse = builder.op('Div', [builder.scalar(1), builder.op('Mul', [sine, sine])]);
  const weight = builder.op('Squeeze', [builder.op('Min', [inverse, builder.scalar(5)]), builder.ints([1])]);
  builder.op('Mul', [mean, weight], {}, { outputs: ['loss'] });
  return network.build([
    { name: 'loss', shape: ['N'] },
    { name: 'errors', shape: ['N', grid, grid] },
  ]);
}

/** The image behind an image under noise at a time, all of them inputs. */
function denoisedUnderNoise(network: Network) {
  const { builder } = network;
  const image = network.input('image', 'float32', imageShape);
  const caption = network.input('caption', 'int64', ['N', slots.length]);
  const noise = network.input('noise', 'float32', imageShape);
  const time = network.input('time', 'float32', ['N', 1]);
  const angle = builder.op('Mul', [time.name, builder.scalar(Math.PI / 2)]);
  const spread = (value: string) => builder.op('Unsqueeze', [value, builder.ints([2, 3])]);
  const sine = builder.op('Sin', [angle]);
  const kept = builder.op('Mul', [image.name, spread(builder.op('Cos', [angle]))]);
  const noisy = builder.op('Add', [kept, builder.op('Mul', [noise.name, spread(sine)])]);
  const { name } = denoised(network, { name: noisy, shape: imageShape }, time, caption);
  return { image, name, sine };
}

/** What gradients are taken of: `image0` [N, numbers], what is denoised. Its weights are those of {@link errorNetwork}. */
export function outputNetwork(): OnnxModel {
  const network = new Network({ name: 'denoised', seed: 0 });
  const { builder } = network;
  const { name } = denoisedUnderNoise(network);
  builder.op('Reshape', [name, builder.ints([0, -1])], {}, { outputs: ['image0'] });
  return network.build([{ name: 'image0', shape: ['N', patchWidth * grid * grid] }]);
}

/** What sampling asks: the image behind a noisy one. Its weights are those of {@link errorNetwork}, by the same names. */
export function denoiserNetwork(): OnnxModel {
  const network = new Network({ name: 'denoiser', seed: 0 });
  const noisy = network.input('noisy', 'float32', imageShape);
  const caption = network.input('caption', 'int64', ['N', slots.length]);
  const time = network.input('time', 'float32', ['N', 1]);
  const { name } = denoised(network, noisy, time, caption);
  return network.build([{ name, shape: imageShape }]);
}
