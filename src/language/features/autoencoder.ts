import { datasetOf } from '../../dataset/in-memory.ts';
import { WhereforeError } from '../../errors.ts';
import type { OnnxModel } from '../../onnx/graph.ts';
import { readInitializer } from '../../onnx/initializer.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { choose, random } from '../../tensor/random.ts';
import { float32 } from '../../tensor/tensor.ts';
import { constantly, Network, normalWith, train } from '../../train/index.ts';

/** Vectors as rows: `count × width`. */
export interface Vectors {
  readonly data: Float32Array;
  readonly width: number;
}

export interface AutoencoderOptions {
  /** Features of the dictionary. */
  readonly features: number;
  /** Features that are active for a vector on average; need not be whole. */
  readonly active: number;
  /** Default 2000. */
  readonly steps?: number;
  /** Vectors a step. Default 256. */
  readonly batchSize?: number;
  /** Default 3e-3. */
  readonly learningRate?: number;
  readonly seed: number;
  readonly runtime: Runtime;
  readonly signal?: AbortSignal;
  readonly onProgress?: (step: number, steps: number) => void;
}

/** A dictionary that was learnt: `z = (x − b) W + e`, kept where it is above the threshold; `x̂ = z D + b`. */
export interface Autoencoder {
  readonly width: number;
  readonly features: number;
  /** `features × width`, each row of length 1. */
  readonly decoder: Float32Array;
  /** `width × features` */
  readonly encoder: Float32Array;
  readonly encoderBias: Float32Array;
  readonly bias: Float32Array;
  /** What an activation must reach to count: so that `active` features are on average. */
  readonly threshold: number;
}

/** How much the loss of features that were idle in a batch counts, which are to explain what is left over. */
const idleWeight = 1 / 32;

/**
 * Trains a sparse autoencoder whose activations are the `active · batch` largest of each batch (BatchTopK). Features that
 * were idle in a batch are trained to explain what the others left over, so that few stay dead.
 * @throws WhereforeError `invalid-argument` for fewer vectors than a batch, or more active features than there are
 * @source Bussmann et al. 2024, arXiv 2412.06410; idle features: Gao et al. 2024, arXiv 2406.04093
 */
export async function trainAutoencoder(vectors: Vectors, options: AutoencoderOptions): Promise<Autoencoder> {
  const {
    features,
    active,
    steps = 2000,
    batchSize = 256,
    learningRate = 3e-3,
    seed,
    runtime,
    signal,
    onProgress,
  } = options;
  const { width } = vectors;
  const count = vectors.data.length / width;
  // Batches are whole: an activation counts by its place in its batch.
  const kept = Math.floor(count / batchSize) * batchSize;
  if (kept === 0 || !(active > 0 && active < features)) {
    throw new WhereforeError('invalid-argument', 'a sparse autoencoder cannot be trained so', {
      got: `${count} vectors, ${active} of ${features} features active`,
      expected: `${batchSize} vectors at least, and fewer active features than there are`,
    });
  }
  const rows = choose(count, kept, random(seed, 3));
  const data = new Float32Array(kept * width);
  for (const [r, row] of rows.entries()) data.set(vectors.data.subarray(row * width, (row + 1) * width), r * width);
  const perEpoch = kept / batchSize;
  const { model } = await train({
    model: autoencoderGraph({ width, features, active, batchSize, seed }),
    samples: datasetOf(
      { x: float32([kept, width], data) },
      { name: 'vectors', labels: float32([kept, 0], new Float32Array(0)) },
    ),
    loss: { kind: 'output' },
    optimizer: { kind: 'adam' },
    schedule: { kind: 'cosine', learningRate, final: 0.02 },
    clipNorm: 10,
    epochs: Math.max(1, Math.round(steps / perEpoch)),
    batchSize,
    seed,
    runtime,
    signal,
    onProgress: ({ step, steps: all }) => onProgress?.(step, all),
  });
  return learnt(model, vectors, { features, active });
}

interface GraphOptions extends Pick<AutoencoderOptions, 'features' | 'active' | 'seed'> {
  readonly width: number;
  readonly batchSize: number;
}

/** The training's graph: the squared error of each vector, and that of idle features on what is left over. */
function autoencoderGraph({ width, features, active, batchSize, seed }: GraphOptions): OnnxModel {
  const network = new Network({ name: 'autoencoder', seed });
  const { builder } = network;
  const x = network.input('x', 'float32', ['N', width]);
  const bias = network.parameter('bias', [width], constantly(0));
  const encoder = network.parameter('encoder', [width, features], normalWith(1 / Math.sqrt(width)));
  const encoderBias = network.parameter('encoderBias', [features], constantly(0));
  const decoder = network.parameter('decoder', [features, width], normalWith(1 / Math.sqrt(width)));
  const op = (kind: string, ...inputs: string[]) => builder.op(kind, inputs);
  const sum = (value: string, axis: number) => builder.op('ReduceSum', [value, builder.ints([axis])], { keepdims: 1 });
  const length = op('Sqrt', op('Add', sum(op('Mul', decoder, decoder), 1), builder.scalar(1e-12)));
  const rows = op('Div', decoder, length);
  const activations = op('Relu', op('Add', op('MatMul', op('Sub', x.name, bias), encoder), encoderBias));
  // The smallest of the activations that count in this batch.
  const flat = op('Reshape', activations, builder.ints([-1]));
  const most = Math.max(1, Math.round(active * batchSize));
  const [largest] = builder.ops('TopK', [flat, builder.ints([most])], { axis: 0 }, { outputs: 2 });
  const least = op('Slice', largest, builder.ints([most - 1]), builder.ints([most]));
  const counts = builder.op('Cast', [op('GreaterOrEqual', activations, least)], { to: 1 });
  const said = op('Add', op('MatMul', op('Mul', activations, counts), rows), bias);
  const left = op('Sub', x.name, said);
  const error = sum(op('Mul', left, left), 1);
  const idle = op('Sub', builder.scalar(1), builder.op('ReduceMax', [counts, builder.ints([0])], { keepdims: 1 }));
  const quiet = op('Mul', activations, idle);
  const atOnce = Math.min(features, Math.max(1, Math.floor(width / 2)));
  const [best] = builder.ops('TopK', [quiet, builder.ints([atOnce])], { axis: 1 }, { outputs: 2 });
  const bound = op('Slice', best, builder.ints([atOnce - 1]), builder.ints([atOnce]), builder.ints([1]));
  const chosen = op('Mul', quiet, builder.op('Cast', [op('GreaterOrEqual', quiet, bound)], { to: 1 }));
  const missed = op('Sub', op('MatMul', chosen, rows), left);
  const ofIdle = op('Mul', sum(op('Mul', missed, missed), 1), builder.scalar(idleWeight));
  const total = op('Add', error, ofIdle);
  builder.op('Squeeze', [total, builder.ints([1])], {}, { name: 'squared-error', outputs: ['squared-error'] });
  return network.build([{ name: 'squared-error', shape: ['N'] }]);
}

/** Reads the dictionary and finds the threshold that lets `active` features through on average. */
async function learnt(
  model: OnnxModel,
  { data, width }: Vectors,
  { features, active }: Pick<AutoencoderOptions, 'features' | 'active'>,
): Promise<Autoencoder> {
  const read = (name: string) => parameter(model, name);
  const decoder = unitRows(read('decoder'), width);
  const found = {
    width,
    features,
    decoder,
    encoder: read('encoder'),
    encoderBias: read('encoderBias'),
    bias: read('bias'),
  };
  const count = Math.min(data.length / width, 2000);
  const all: number[] = [];
  for (let r = 0; r < count; r++) {
    for (const value of activationsOf({ ...found, threshold: 0 }, data.subarray(r * width, (r + 1) * width))) {
      if (value > 0) all.push(value);
    }
  }
  all.sort((a, b) => b - a);
  return { ...found, threshold: all[Math.min(all.length - 1, Math.round(active * count) - 1)] ?? 0 };
}

function parameter({ graph }: OnnxModel, name: string): Float32Array {
  const initializer = graph.initializers.get(name);
  if (!initializer) throw new WhereforeError('internal', 'a parameter of the autoencoder is missing', { got: name });
  return readInitializer(initializer).data as Float32Array;
}

/** Rows scaled to length 1; rows of zeros stay. */
export function unitRows(rows: Float32Array, width: number): Float32Array {
  const scaled = new Float32Array(rows.length);
  for (let at = 0; at < rows.length; at += width) {
    let square = 0;
    for (let d = at; d < at + width; d++) square += rows[d] ** 2;
    const length = Math.sqrt(square) || 1;
    for (let d = at; d < at + width; d++) scaled[d] = rows[d] / length;
  }
  return scaled;
}

/** Activations of all features for one vector; 0 below the threshold. */
export function activationsOf(autoencoder: Autoencoder, vector: Float32Array): Float32Array {
  const { width, features, encoder, encoderBias, bias, threshold } = autoencoder;
  const found = Float32Array.from(encoderBias);
  for (let d = 0; d < width; d++) {
    const value = vector[d] - bias[d];
    for (let f = 0; f < features; f++) found[f] += value * encoder[d * features + f];
  }
  for (let f = 0; f < features; f++) if (!(found[f] > 0 && found[f] >= threshold)) found[f] = 0;
  return found;
}

/** What a dictionary makes of vectors. */
export interface Reconstruction {
  /** `1 − Σ‖x − x̂‖² / Σ‖x − x̄‖²`; a poor dictionary may have a high one. */
  readonly explained: number;
  /** Features that are active for a vector, on average. */
  readonly active: number;
  /** Features that are never active. */
  readonly dead: number;
  /** How often each is active. */
  readonly density: Float64Array;
}

/**
 * What a dictionary makes of vectors: `x̂ = features · decoder + bias`, of which the explained share and how often each
 * feature is active are counted.
 */
export function reconstruction(autoencoder: Autoencoder, { data, width }: Vectors): Reconstruction {
  const { features, decoder, bias } = autoencoder;
  const count = data.length / width;
  const mean = new Float64Array(width);
  for (let i = 0; i < data.length; i++) mean[i % width] += data[i] / count;
  const density = new Float64Array(features);
  let [missed, whole] = [0, 0];
  for (let r = 0; r < count; r++) {
    const vector = data.subarray(r * width, (r + 1) * width);
    const said = Float64Array.from(bias);
    for (const [f, value] of activationsOf(autoencoder, vector).entries()) {
      if (value === 0) continue;
      density[f] += 1 / count;
      for (let d = 0; d < width; d++) said[d] += value * decoder[f * width + d];
    }
    for (let d = 0; d < width; d++) {
      missed += (vector[d] - said[d]) ** 2;
      whole += (vector[d] - mean[d]) ** 2;
    }
  }
  const active = density.reduce((sum, share) => sum + share, 0);
  const dead = density.filter((share) => share === 0).length;
  return { explained: 1 - missed / whole, active, dead, density };
}
