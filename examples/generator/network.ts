import type { OnnxModel } from '../../src/onnx/graph.ts';
import { float32, int64, type Tensor } from '../../src/tensor/tensor.ts';
import { embedding, layerNorm, linear, positionEmbedding, transformerBlock } from '../../src/train/layers/index.ts';
import { Network, type Value } from '../../src/train/network.ts';
import { readParameters, withParameters } from '../../src/train/parameters.ts';
import { grid, patch } from './codebook.ts';
import { type Slot, side, slots, words } from './draw.ts';

/** Codes of the codebook, and tokens of an image. */
export const codeCount = 256;
export const imageTokens = grid * grid;

/** Where the words of each slot begin among the tokens; the last one stands for a word that was left out. */
const starts = slots.map((_, i) => slots.slice(0, i).reduce((sum, slot) => sum + words[slot].length, 0));
const unknown = slots.reduce((sum, slot) => sum + words[slot].length, 0);
export const captionVocabulary = unknown + 1;
const vocabulary = captionVocabulary + codeCount;

const features = 64;
const length = slots.length + imageTokens - 1;

/**
 * A causal transformer over [caption | image]: 3 blocks of 64 features and 4 heads, 190 thousand parameters. Position p
 * of the output holds the logits of image token p, given the caption and the tokens before it.
 */
export function generatorNetwork(seed: number): OnnxModel {
  const network = new Network({ name: 'generator', seed });
  const x = lastHidden(network, network.input('tokens', 'int64', ['N', length]));
  const { builder } = network;
  const image = builder.op('Slice', [
    x.name,
    builder.ints([slots.length - 1]),
    builder.ints([length]),
    builder.ints([1]),
  ]);
  const shape = ['N', imageTokens, features] as const;
  return network.build([linear(network, { name: image, shape }, 'logits', { features: codeCount })]);
}

/** The states behind the last block, [N, tokens, features]. */
function lastHidden(network: Network, tokens: Value): Value {
  let x = embedding(network, tokens, 'embedding', { count: vocabulary, features });
  x = positionEmbedding(network, x, 'positions');
  for (let block = 1; block <= 3; block++)
    x = transformerBlock(network, x, `block${block}`, { heads: 4, causal: true, activation: 'gelu-tanh' });
  return layerNorm(network, x, 'norm');
}

/**
 * A trained generator as an encoder of images, so that an index can hold what it sees in them: patches become the nearest
 * codes, the words of the caption are left out, and `hidden` [N, features] is the mean of the last states over the image.
 */
export function encoderNetwork(generator: OnnxModel, codebook: Float32Array): OnnxModel {
  const network = new Network({ name: 'encoder', seed: 0 });
  const { builder } = network;
  const image = network.input('image', 'float32', ['N', 3, side, side]);
  const split = builder.op('Reshape', [image.name, builder.ints([-1, 3, grid, patch, grid, patch])]);
  const patches = builder.op('Transpose', [split], { perm: [0, 2, 4, 3, 5, 1] });
  const width = codebook.length / codeCount;
  const rows = builder.op('Reshape', [patches, builder.ints([-1, imageTokens, width])]);
  // The nearest code c of a patch p has the largest 2 p·c − ‖c‖².
  const products = builder.op('MatMul', [
    rows,
    builder.constant(float32([width, codeCount], doubled(codebook, width))),
  ]);
  const squares = builder.constant(float32([codeCount], squaredLengths(codebook, width)));
  const nearest = builder.op('Sub', [products, squares]);
  const codes = builder.op('ArgMax', [nearest], { axis: 2, keepdims: 0 });
  const slice = (values: string, from: number, to: number) =>
    builder.op('Slice', [values, builder.ints([from]), builder.ints([to]), builder.ints([1])]);
  const nothing = builder.op('Mul', [slice(codes, 0, slots.length), builder.scalar(0, 'int64')]);
  const caption = builder.op('Add', [nothing, builder.scalar(unknown, 'int64')]);
  const codeTokens = builder.op('Add', [slice(codes, 0, imageTokens - 1), builder.scalar(unknown + 1, 'int64')]);
  const tokens = builder.op('Concat', [caption, codeTokens], { axis: 1 });
  const states = lastHidden(network, { name: tokens, shape: ['N', length] });
  const ofImage = slice(states.name, slots.length, length);
  builder.op('ReduceMean', [ofImage, builder.ints([1])], { keepdims: 0 }, { outputs: ['hidden'] });
  const model = network.build([{ name: 'hidden', shape: ['N', features] }]);
  return withParameters(model, readParameters(generator, network.trainable));
}

function doubled(codebook: Float32Array, width: number): Float32Array {
  const turned = new Float32Array(codebook.length);
  for (let code = 0; code < codeCount; code++)
    for (let k = 0; k < width; k++) turned[k * codeCount + code] = 2 * codebook[code * width + k];
  return turned;
}

function squaredLengths(codebook: Float32Array, width: number): Float32Array {
  const squares = new Float32Array(codeCount);
  for (let i = 0; i < codebook.length; i++) squares[Math.floor(i / width)] += codebook[i] ** 2;
  return squares;
}

/** Tokens of a caption; `undefined` for a word that is left out. */
export function captionTokens(caption: Readonly<Partial<Record<Slot, number>>>): number[] {
  return slots.map((slot, i) => {
    const word = caption[slot];
    return word === undefined ? unknown : starts[i] + word;
  });
}

/** The words of a prompt as a caption; words that belong to no slot are left out. */
export function captionOfText(text: string): Partial<Record<Slot, number>> {
  const said = text.toLowerCase().split(/\s+/);
  const found = slots.flatMap((slot) => {
    const word = words[slot].findIndex((known) => said.includes(known));
    return word < 0 ? [] : [[slot, word] as const];
  });
  return Object.fromEntries(found);
}

/** Inputs and targets of some images: caption and codes each. */
export function tokenBatch(
  rows: readonly { readonly caption: readonly number[]; readonly codes: ArrayLike<number> }[],
) {
  const inputs = new BigInt64Array(rows.length * length);
  const targets = new BigInt64Array(rows.length * imageTokens);
  for (const [i, { caption, codes }] of rows.entries()) {
    for (let t = 0; t < length; t++) {
      const token = t < slots.length ? caption[t] : unknown + 1 + codes[t - slots.length];
      inputs[i * length + t] = BigInt(token);
    }
    for (let t = 0; t < imageTokens; t++) targets[i * imageTokens + t] = BigInt(codes[t]);
  }
  const tokens: Tensor = int64([rows.length, length], inputs);
  return { inputs: new Map([['tokens', tokens]]), targets: int64([rows.length, imageTokens], targets) };
}
