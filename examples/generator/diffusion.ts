import { datasetOf } from '../../src/dataset/in-memory.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { filled } from '../../src/tensor/filled.ts';
import { random } from '../../src/tensor/random.ts';
import { float32, int64, type Tensor, tensor } from '../../src/tensor/tensor.ts';
import { readParameters, trainableParameters, withParameters } from '../../src/train/parameters.ts';
import { train } from '../../src/train/train.ts';
import { grid, patch, patchesOf } from './codebook.ts';
import { denoiserNetwork, errorNetwork, patchWidth } from './denoiser.ts';
import { side, slots } from './draw.ts';
import type { GeneratorTraining } from './generator.ts';

/** An image as the diffusion model reads it: tokens of its caption, and its pixels. */
export interface PixelRow {
  readonly caption: readonly number[];
  readonly pixels: Tensor<'uint8'>;
}

const size = patchWidth * grid * grid;
const batchSize = 32;

/** Patches as channels, about of unit scale. */
export function scaledImages(rows: readonly PixelRow[]): Tensor<'float32'> {
  const data = new Float32Array(rows.length * size);
  for (const [i, { pixels }] of rows.entries()) {
    const patches = patchesOf(pixels);
    for (let p = 0; p < grid * grid; p++)
      for (let k = 0; k < patchWidth; k++)
        data[i * size + k * grid * grid + p] = (patches[p * patchWidth + k] - 0.5) / 0.33;
  }
  return float32([rows.length, patchWidth, grid, grid], data);
}

/** The images behind scaled patches. */
function imagesOf({ data, shape }: Tensor<'float32'>): Tensor<'uint8'>[] {
  return Array.from({ length: shape[0] }, (_, i) => {
    const pixels = new Uint8Array(side * side * 3);
    for (let p = 0; p < grid * grid; p++)
      for (let k = 0; k < patchWidth; k++) {
        const [y, x] = [Math.floor(p / grid) * patch + Math.floor(k / 9), (p % grid) * patch + Math.floor((k % 9) / 3)];
        const value = 255 * (0.33 * data[i * size + k * grid * grid + p] + 0.5);
        pixels[(y * side + x) * 3 + (k % 3)] = Math.max(0, Math.min(255, Math.round(value)));
      }
    return tensor('uint8', [side, side, 3], pixels);
  });
}

export function captionsOf(rows: readonly Pick<PixelRow, 'caption'>[]): Tensor {
  const data = new BigInt64Array(rows.length * slots.length);
  for (const [i, { caption }] of rows.entries())
    for (let s = 0; s < slots.length; s++) data[i * slots.length + s] = BigInt(caption[s]);
  return int64([rows.length, slots.length], data);
}

/** Noise and time belong to a place in the batch: leaving a row out leaves those of the others as they were. */
function stepInputs(seed: number, step: number): Map<string, Tensor> {
  const source = random(seed, 100_000 + step);
  const noise = filled(new Float32Array(batchSize * size), () => source.normal());
  const time = filled(new Float32Array(batchSize), (slot) => (source.uniform() + slot) / batchSize);
  return new Map<string, Tensor>([
    ['noise', float32([batchSize, patchWidth, grid, grid], noise)],
    ['time', float32([batchSize, 1], time)],
  ]);
}

/** Trains the diffusion model; 32 passes give recognisable images. */
export async function trainDiffusion(
  rows: readonly PixelRow[],
  { seed, rowWeights, epochs = 32 }: GeneratorTraining,
  runtime: Runtime,
): Promise<OnnxModel> {
  const inputs = { image: scaledImages(rows), caption: captionsOf(rows) };
  const samples = datasetOf(inputs, { labels: float32([rows.length, 0], new Float32Array(0)) });
  const { model } = await train({
    ...{ model: errorNetwork(seed), samples, runtime, seed, rowWeights, epochs, output: 'loss' },
    ...{ batchSize, clipNorm: 1, divisor: 'rows', loss: { kind: 'output' } },
    optimizer: { kind: 'adamw', beta2: 0.98, weightDecay: 0.01 },
    schedule: { kind: 'cosine', learningRate: 2e-3, warmUp: 50 },
    inputsAt: (step) => stepInputs(seed, step),
  });
  return model;
}

/** Times at which an image is denoised to measure its cost, each with one noise: the same for all images and models. */
const measuredTimes = 12;

/**
 * Squared errors of denoising each image, over all its numbers or those of the patches that `counts` tells, averaged over
 * fixed times and noises.
 */
export async function denoisingCosts(
  model: OnnxModel,
  rows: readonly PixelRow[],
  runtime: Runtime,
  counts: (patch: number) => boolean = () => true,
): Promise<number[]> {
  const session = await runtime.open(model);
  const costs = rows.map(() => 0);
  const source = random(7, 71);
  for (let k = 0; k < measuredTimes; k++) {
    const noise = filled(new Float32Array(size), () => source.normal());
    for (let at = 0; at < rows.length; at += 128) {
      const some = rows.slice(at, at + 128);
      const repeated = new Float32Array(some.length * size);
      for (let i = 0; i < some.length; i++) repeated.set(noise, i * size);
      const time = new Float32Array(some.length).fill(0.1 + (0.85 * (k + 0.5)) / measuredTimes);
      const feeds = new Map<string, Tensor>([
        ['image', scaledImages(some)],
        ['caption', captionsOf(some)],
        ['noise', float32([some.length, patchWidth, grid, grid], repeated)],
        ['time', float32([some.length, 1], time)],
      ]);
      const { data } = (await session.run(feeds, ['errors'])).get('errors') as Tensor<'float32'>;
      for (let i = 0; i < some.length; i++)
        for (let p = 0; p < grid * grid; p++) if (counts(p)) costs[at + i] += data[i * grid * grid + p] / measuredTimes;
    }
  }
  await session.release();
  return costs;
}

const samplingSteps = 25;
/** What scaled pixels can be, and a little more. */
const bound = 1.6;

/** Draws an image for each caption from stored noise: DDIM with η = 0. Source: Song, Meng, Ermon 2021 (ICLR). */
export async function sampleDiffusion(
  trained: OnnxModel,
  captions: readonly (readonly number[])[],
  runtime: Runtime,
  seed = 11,
): Promise<Tensor<'uint8'>[]> {
  const denoiser = denoiserNetwork();
  const weights = readParameters(trained, trainableParameters(denoiser));
  const session = await runtime.open(withParameters(denoiser, weights));
  const source = random(seed, 72);
  const x = filled(new Float32Array(captions.length * size), () => source.normal());
  const shape = [captions.length, patchWidth, grid, grid];
  const caption = captionsOf(captions.map((one) => ({ caption: one })));
  const [{ name: output }] = denoiser.graph.outputs;
  for (let step = 0; step < samplingSteps; step++) {
    const [now, next] = [step, step + 1].map((s) => (0.99 * (1 - s / samplingSteps) * Math.PI) / 2);
    const time = new Float32Array(captions.length).fill(0.99 * (1 - step / samplingSteps));
    const feeds = new Map<string, Tensor>([
      ['noisy', float32(shape, x.slice())],
      ['caption', caption],
      ['time', float32([captions.length, 1], time)],
    ]);
    const { data } = (await session.run(feeds, [output])).get(output) as Tensor<'float32'>;
    for (let i = 0; i < x.length; i++) {
      const clean = Math.max(-bound, Math.min(bound, data[i]));
      const noise = (x[i] - Math.cos(now) * clean) / Math.sin(now);
      x[i] = Math.cos(next) * clean + Math.sin(next) * noise;
    }
  }
  await session.release();
  return imagesOf(float32(shape, x));
}
