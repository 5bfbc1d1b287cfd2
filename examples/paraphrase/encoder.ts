import { datasetOf } from '../../src/dataset/in-memory.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { type Random, random } from '../../src/tensor/random.ts';
import { int64 } from '../../src/tensor/tensor.ts';
import { normalWith } from '../../src/train/initialization.ts';
import { linear } from '../../src/train/layers/index.ts';
import { Network, type Value } from '../../src/train/network.ts';
import { readParameters, withParameters } from '../../src/train/parameters.ts';
import { train } from '../../src/train/train.ts';

/** A sentence as token ids, and what it means by number. */
export interface LabelledSentence {
  readonly ids: readonly number[];
  readonly intent: number;
}

const features = 96;
/** Tokens that a sentence is cut to while training. */
const mostTokens = 32;
/** Sentences of other intents that the one of the same intent has to be told from. */
const others = 24;
/** Cosines are multiplied by this before the softmax. */
const sharpness = 16;

/**
 * Vectors of sentences [batch, tokens] → [batch, features] of length 1: a mean of the vectors of tokens, each weighted by
 * how much the token says (learnt), then a linear layer beside it. Padding (id 0) weighs nothing.
 */
function sentenceVectors(network: Network, ids: Value, vocabulary: number): Value {
  const { builder } = network;
  const table = network.parameter('tokens.weight', [vocabulary, features], normalWith(0.1));
  const says = network.parameter('says.weight', [vocabulary, 1], normalWith(0.01));
  const vectors = builder.op('Gather', [table, ids.name], { axis: 0 });
  const isToken = builder.op('Cast', [builder.op('Greater', [ids.name, builder.scalar(0, 'int64')])], { to: 1 });
  const last = builder.ints([-1]);
  const weights = builder.op('Mul', [
    builder.op('Exp', [builder.op('Gather', [says, ids.name], { axis: 0 })]),
    builder.op('Unsqueeze', [isToken, last]),
  ]);
  const tokenAxis = builder.ints([-2]);
  const sum = builder.op('ReduceSum', [builder.op('Mul', [vectors, weights]), tokenAxis], { keepdims: 0 });
  const mass = builder.op('ReduceSum', [weights, tokenAxis], { keepdims: 0 });
  const mean = builder.op('Div', [sum, builder.op('Add', [mass, builder.scalar(1e-6)])]);
  const shape = [...ids.shape.slice(0, -1), features];
  const mixed = linear(network, { name: mean, shape }, 'mix', { features });
  const both = builder.op('Add', [mean, builder.op('Tanh', [mixed.name])]);
  const squares = builder.op('ReduceSum', [builder.op('Mul', [both, both]), last], { keepdims: 1 });
  const length = builder.op('Sqrt', [builder.op('Add', [squares, builder.scalar(1e-8)])]);
  return { name: builder.op('Div', [both, length]), shape };
}

/** The encoder by itself: `input_ids` [N, tokens] → `sentence` [N, features]. */
export function encoderNetwork(vocabulary: number): OnnxModel {
  const network = new Network({ name: 'sentences', seed: 0 });
  const ids = network.input('input_ids', 'int64', ['N', 'tokens']);
  const { name } = sentenceVectors(network, ids, vocabulary);
  network.builder.op('Identity', [name], {}, { outputs: ['sentence'] });
  return network.build([{ name: 'sentence', shape: ['N', features] }]);
}

/** Of each row an anchor, a sentence of its intent, and some of others: logits are the cosines of the anchor to the rest. */
function contrastNetwork(vocabulary: number, longest: number, seed: number): OnnxModel {
  const network = new Network({ name: 'contrast', seed });
  const { builder } = network;
  const ids = network.input('ids', 'int64', ['N', others + 2, longest]);
  const { name: vectors } = sentenceVectors(network, ids, vocabulary);
  const slice = (from: number, to: number) =>
    builder.op('Slice', [vectors, builder.ints([from]), builder.ints([to]), builder.ints([1])]);
  const products = builder.op('Mul', [slice(0, 1), slice(1, others + 2)]);
  const cosines = builder.op('ReduceSum', [products, builder.ints([-1])], { keepdims: 0 });
  const logits = builder.op('Mul', [cosines, builder.scalar(sharpness)]);
  return network.build([{ name: logits, shape: ['N', others + 1] }]);
}

/**
 * Trains an encoder by contrast: of each sentence, one of the same intent has to be nearer than some of other intents,
 * by cross-entropy of the cosines. Source: van den Oord et al. 2018, arXiv 1807.03748 (InfoNCE).
 */
export async function trainEncoder(
  sentences: readonly LabelledSentence[],
  { vocabulary, seed, epochs = 6 }: { readonly vocabulary: number; readonly seed: number; readonly epochs?: number },
  runtime: Runtime,
): Promise<OnnxModel> {
  const longest = sentences.reduce((most, one) => Math.min(mostTokens, Math.max(most, one.ids.length)), 1);
  const source = random(seed, 61);
  const rows = [0, 1].flatMap(() => sentences.map((anchor) => rowOf(anchor, sentences, source)));
  const ids = new BigInt64Array(rows.length * (others + 2) * longest);
  let at = 0;
  for (const row of rows)
    for (const { ids: tokens } of row) {
      for (let t = 0; t < longest; t++) ids[at + t] = BigInt(tokens[t] ?? 0);
      at += longest;
    }
  const samples = datasetOf(
    { ids: int64([rows.length, others + 2, longest], ids) },
    { labels: int64([rows.length], new BigInt64Array(rows.length)) },
  );
  const { model } = await train({
    ...{
      model: contrastNetwork(vocabulary, longest, seed),
      samples,
      runtime,
      seed,
      epochs,
      batchSize: 64,
      clipNorm: 1,
    },
    loss: { kind: 'cross-entropy' },
    optimizer: { kind: 'adamw', weightDecay: 0.01 },
    schedule: { kind: 'cosine', learningRate: 3e-3, warmUp: 20 },
  });
  const encoder = encoderNetwork(vocabulary);
  const names = ['tokens.weight', 'says.weight', 'mix.weight', 'mix.bias'];
  return withParameters(encoder, readParameters(model, names));
}

function rowOf(
  anchor: LabelledSentence,
  sentences: readonly LabelledSentence[],
  source: Random,
): readonly LabelledSentence[] {
  const draw = (fits: (one: LabelledSentence) => boolean): LabelledSentence => {
    for (;;) {
      const one = sentences[source.integer(sentences.length)];
      if (fits(one)) return one;
    }
  };
  const same = draw((one) => one.intent === anchor.intent);
  const rest = Array.from({ length: others }, () => draw((one) => one.intent !== anchor.intent));
  return [anchor, same, ...rest];
}
