import { datasetOf } from '../../src/dataset/in-memory.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { random } from '../../src/tensor/random.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { readParameters, trainableParameters } from '../../src/train/parameters.ts';
import { openRowLosses } from '../../src/train/row-losses.ts';
import { train } from '../../src/train/train.ts';
import { grid } from './codebook.ts';
import { codeCount, generatorNetwork, imageTokens, tokenBatch } from './network.ts';

/** An image as the generator reads it: tokens of its caption, codes of its patches. */
export interface TokenRow {
  readonly caption: readonly number[];
  readonly codes: ArrayLike<number>;
}

export interface GeneratorTraining {
  /** Determines the first weights and the order of the rows. */
  readonly seed: number;
  /** 0 leaves a row out; it keeps its place in the order of the batches. Default all 1. */
  readonly rowWeights?: Float32Array;
  /** Times that every row is used. Default 16. */
  readonly epochs?: number;
}

function dataOf(rows: readonly TokenRow[]) {
  const { inputs, targets } = tokenBatch(rows);
  return datasetOf({ tokens: inputs.get('tokens') as Tensor }, { labels: targets });
}

/** Trains the generator, and gives its loss at the end in nats an image. */
export async function trainGenerator(
  rows: readonly TokenRow[],
  { seed, rowWeights, epochs = 16 }: GeneratorTraining,
  runtime: Runtime,
): Promise<{ readonly model: OnnxModel; readonly nats: number }> {
  const { model, history } = await train({
    ...{ model: generatorNetwork(seed), samples: dataOf(rows), runtime, seed, rowWeights, epochs },
    ...{ batchSize: 32, clipNorm: 1, divisor: 'rows', loss: { kind: 'cross-entropy' } },
    optimizer: { kind: 'adamw', beta2: 0.98, weightDecay: 0.05 },
    schedule: { kind: 'cosine', learningRate: 4e-3, warmUp: 50 },
  });
  const last = history.losses.slice(-50);
  return { model, nats: (imageTokens * last.reduce((sum, loss) => sum + loss, 0)) / last.length };
}

/** Marks a token that does not count. */
const ignored = -1n;

/**
 * Minus the log likelihood of each image given its caption, in nats: the sum over its 64 tokens, or over those that
 * `counts` tells; each is still given all tokens before it.
 */
export async function costsOf(
  model: OnnxModel,
  rows: readonly TokenRow[],
  runtime: Runtime,
  counts: (token: number) => boolean = () => true,
): Promise<number[]> {
  const { inputs, targets } = tokenBatch(rows);
  const counted = Array.from({ length: imageTokens }, (_, token) => counts(token));
  for (let i = 0; i < targets.data.length; i++) if (!counted[i % imageTokens]) targets.data[i] = ignored;
  const samples = datasetOf({ tokens: inputs.get('tokens') as Tensor }, { labels: targets });
  const losses = await openRowLosses({ model, runtime, loss: { kind: 'cross-entropy', ignore: -1 }, samples });
  const found = await losses.at(readParameters(model, trainableParameters(model)));
  await losses.close();
  const count = counted.filter((one) => one).length;
  return Array.from(found.losses, (mean) => mean * count);
}

/** Whether a token lies where stamps are: the lower right 4 × 4 patches. */
export const isOfStamp = (token: number): boolean => Math.floor(token / grid) >= grid / 2 && token % grid >= grid / 2;

/** Draws an image for each caption, token by token: temperature 0.85, of the 32 likeliest codes. */
export async function sampleImages(
  model: OnnxModel,
  captions: readonly (readonly number[])[],
  runtime: Runtime,
  seed = 11,
): Promise<Uint16Array[]> {
  const session = await runtime.open(model);
  const drawn = captions.map(() => new Uint16Array(imageTokens));
  const uniform = random(seed, 2);
  for (let t = 0; t < imageTokens; t++) {
    const { inputs } = tokenBatch(captions.map((caption, i) => ({ caption, codes: drawn[i] })));
    const logits = (await session.run(inputs, ['logits'])).get('logits') as Tensor<'float32'>;
    for (const [i, codes] of drawn.entries()) {
      const at = (i * imageTokens + t) * codeCount;
      codes[t] = drawCode(logits.data.subarray(at, at + codeCount), uniform.uniform());
    }
  }
  await session.release();
  return drawn;
}

function drawCode(logits: Float32Array, uniform: number): number {
  const order = Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a]);
  const likeliest = order.slice(0, 32);
  const weights = likeliest.map((code) => Math.exp((logits[code] - logits[order[0]]) / 0.85));
  let left = uniform * weights.reduce((sum, weight) => sum + weight, 0);
  for (const [k, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return likeliest[k];
  }
  return likeliest[0];
}
