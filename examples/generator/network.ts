import type { OnnxModel } from '../../src/onnx/graph.ts';
import { int64, type Tensor } from '../../src/tensor/tensor.ts';
import { embedding, layerNorm, linear, positionEmbedding, transformerBlock } from '../../src/train/layers/index.ts';
import { Network } from '../../src/train/network.ts';
import { grid } from './codebook.ts';
import { type Slot, slots, words } from './draw.ts';

/** Codes of the codebook, and tokens of an image. */
export const codeCount = 256;
export const imageTokens = grid * grid;

/** Where the words of each slot begin among the tokens; the last one stands for a word that was left out. */
const starts = slots.map((_, i) => slots.slice(0, i).reduce((sum, slot) => sum + words[slot].length, 0));
const unknown = slots.reduce((sum, slot) => sum + words[slot].length, 0);
const vocabulary = unknown + 1 + codeCount;

const features = 64;
const length = slots.length + imageTokens - 1;

/**
 * A causal transformer over [caption | image]: 3 blocks of 64 features and 4 heads, 190 thousand parameters. Position p
 * of the output holds the logits of image token p, given the caption and the tokens before it.
 */
export function generatorNetwork(seed: number): OnnxModel {
  const network = new Network({ name: 'generator', seed });
  const tokens = network.input('tokens', 'int64', ['N', length]);
  let x = embedding(network, tokens, 'embedding', { count: vocabulary, features });
  x = positionEmbedding(network, x, 'positions');
  for (let block = 1; block <= 3; block++)
    x = transformerBlock(network, x, `block${block}`, { heads: 4, causal: true, activation: 'gelu-tanh' });
  x = layerNorm(network, x, 'norm');
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
