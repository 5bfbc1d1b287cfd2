import { datasetOf } from '../../src/dataset/in-memory.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { random } from '../../src/tensor/random.ts';
import { float32, tensor } from '../../src/tensor/tensor.ts';
import {
  decoderBlock,
  embedding,
  linear,
  Network,
  readParameters,
  rmsNorm,
  train,
  trainableParameters,
  type Value,
  withParameters,
} from '../../src/train/index.ts';
import { normalWith } from '../../src/train/initialization.ts';

/** A small decoder: embeddings that are not tied and start with standard deviation 1, so that what a token is dominates. */
export interface DecoderShape {
  readonly words: readonly string[];
  readonly layers: number;
  readonly features: number;
  readonly heads: number;
  /** Width of the feed-forward part; 0: attention only. */
  readonly inner: number;
  readonly longest: number;
  /** Heads 0, 1, … of the first layer start by looking this many tokens back. */
  readonly lookBack?: readonly number[];
}

/** A text to learn from: tokens, and how much it counts that each is foretold from those before it. */
export interface WeightedText {
  readonly tokens: readonly number[];
  readonly weights: readonly number[];
}

export interface DecoderTraining {
  readonly steps: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly seed: number;
  readonly warmUp?: number;
  /** The learning rate stays as it is; default: it falls along half a cosine. */
  readonly constant?: boolean;
  /** Default .01. */
  readonly weightDecay?: number;
  /** Parts of the training behind which the model is wanted as it is then (.3: behind 30 %). */
  readonly moments?: readonly number[];
  readonly onMoment?: (model: OnnxModel, step: number) => Promise<void>;
  readonly runtime: Runtime;
  /** Makes text i. */
  readonly text: (i: number) => WeightedText;
  /** The longest of these texts. */
  readonly length: number;
  readonly say?: (text: string) => void;
}

/** Adds the network over `ids`: `[N, T]` → logits `[N, T, words]`. */
function decoder(network: Network, ids: Value, shape: DecoderShape): Value {
  const { words, layers, features, heads, inner, longest, lookBack } = shape;
  let x = embedding(network, ids, 'embedding', { count: words.length, features, initialization: normalWith(1) });
  for (let layer = 0; layer < layers; layer++)
    x = decoderBlock(network, x, `layer${layer}`, { heads, inner, longest, lookBack: layer === 0 ? lookBack : [] });
  const initialization = normalWith(0.3 / Math.sqrt(features));
  return linear(network, rmsNorm(network, x, 'norm'), 'logits', {
    features: words.length,
    bias: false,
    initialization,
  });
}

/** The model as it is used: `input_ids` of any length → `logits`. */
export function decoderModel(shape: DecoderShape, seed: number): OnnxModel {
  const network = new Network({ name: 'decoder', seed });
  return network.build([decoder(network, network.input('input_ids', 'int64', ['N', 'T']), shape)]);
}

/** The same with the loss of each text as its output: Σ w_t · −log p(token t | those before) / Σ w_t. */
function lossModel(shape: DecoderShape, seed: number, length: number): OnnxModel {
  const network = new Network({ name: 'decoder', seed });
  const ids = network.input('input_ids', 'int64', ['N', length]);
  const next = network.input('next', 'int64', ['N', length, 1]);
  const weights = network.input('weights', 'float32', ['N', length]);
  const logits = decoder(network, ids, shape);
  const { builder } = network;
  const logs = builder.op('LogSoftmax', [logits.name], { axis: -1 });
  const told = builder.op('GatherElements', [logs, next.name], { axis: -1 });
  const flat = builder.op('Squeeze', [told, builder.ints([-1])]);
  const sum = (value: string) => builder.op('ReduceSum', [value, builder.ints([1])], { keepdims: 0 });
  const total = sum(builder.op('Mul', [flat, weights.name]));
  const loss = builder.op(
    'Neg',
    [builder.op('Div', [total, sum(weights.name)])],
    {},
    { name: 'text-loss', outputs: ['text-loss'] },
  );
  return network.build([{ name: loss, shape: ['N'] }]);
}

/** Trains a decoder from the seed on, or from another model of its shape. */
export async function trainDecoder(
  shape: DecoderShape,
  options: DecoderTraining,
  from?: OnnxModel,
): Promise<OnnxModel> {
  const { steps, batchSize, learningRate, seed, warmUp = 30, runtime, length, say } = options;
  const { constant = false, weightDecay = 0.01, moments, onMoment } = options;
  const count = steps * batchSize;
  const [ids, next, weights] = [
    new BigInt64Array(count * length),
    new BigInt64Array(count * length),
    new Float32Array(count * length),
  ];
  for (let i = 0; i < count; i++) {
    const { tokens, weights: of } = options.text(i);
    for (let t = 0; t + 1 < tokens.length; t++) {
      ids[i * length + t] = BigInt(tokens[t]);
      next[i * length + t] = BigInt(tokens[t + 1]);
      weights[i * length + t] = of[t + 1];
    }
  }
  const samples = datasetOf(
    {
      input_ids: tensor('int64', [count, length], ids),
      next: tensor('int64', [count, length, 1], next),
      weights: float32([count, length], weights),
    },
    { name: 'texts', labels: float32([count, 0], new Float32Array(0)) },
  );
  const { model, checkpoints } = await train({
    model: withWeights(lossModel(shape, seed, length), from),
    samples,
    loss: { kind: 'output' },
    optimizer: { kind: 'adamw', weightDecay, beta2: 0.98, decayed: 'matrices' },
    schedule: { kind: constant ? 'constant' : 'cosine', learningRate, warmUp },
    clipNorm: 1,
    epochs: 1,
    batchSize,
    seed,
    runtime,
    ...(moments && { checkpointEvery: { fractions: moments } }),
    onProgress: ({ step, loss }) => {
      if (step % 25 === 0) say?.(`step ${step} of ${steps}: loss ${loss.toFixed(3)}`);
    },
  });
  for (const step of await checkpoints.steps()) {
    if (step === steps) continue;
    await onMoment?.(withParameters(decoderModel(shape, seed), (await checkpoints.load(step)).parameters), step);
  }
  return withWeights(decoderModel(shape, seed), model);
}

/** A model with the trained weights of another one that has the same names. */
const withWeights = (model: OnnxModel, from: OnnxModel | undefined): OnnxModel =>
  from ? withParameters(model, readParameters(from, trainableParameters(from))) : model;

/** A source of its own for each text. */
export const drawn = (seed: number, i: number) => random(seed, i);
