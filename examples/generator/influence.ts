import { datasetOf } from '../../src/dataset/in-memory.ts';
import type { GradientMaterial } from '../../src/influence/gradient-material.ts';
import { modelGradients, score } from '../../src/influence/index.ts';
import { type Matrix64, zeros } from '../../src/influence/matrix.ts';
import { heldRows } from '../../src/influence/projected-rows.ts';
import type { OnnxModel } from '../../src/onnx/graph.ts';
import { createModel } from '../../src/runtime/model.ts';
import type { Runtime } from '../../src/runtime/runtime.ts';
import { filled } from '../../src/tensor/filled.ts';
import { random } from '../../src/tensor/random.ts';
import { float32, int64, type Tensor } from '../../src/tensor/tensor.ts';
import { readParameters, trainableParameters, withParameters } from '../../src/train/parameters.ts';
import { grid } from './codebook.ts';
import { outputNetwork, patchWidth } from './denoiser.ts';
import { captionsOf, type PixelRow, scaledImages } from './diffusion.ts';
import type { TokenRow } from './generator.ts';
import { codeCount, tokenBatch } from './network.ts';

const size = patchWidth * grid * grid;
const hash = '0'.repeat(64);

/**
 * How much each image counts for each item: gradients of their negative log likelihoods by the last block and the output
 * layer, projected, whitened by their second moment over the data and the items, as cosines. Source: Chang et al. 2025 (ICLR), TrackStar.
 * @returns items × images
 */
export async function tokenInfluence(
  trained: OnnxModel,
  images: readonly TokenRow[],
  items: readonly TokenRow[],
  runtime: Runtime,
): Promise<Matrix64> {
  const model = createModel(trained, runtime, { name: 'generator', hash });
  const dataOf = (rows: readonly TokenRow[]) => {
    const { inputs, targets } = tokenBatch(rows);
    return datasetOf({ tokens: inputs.get('tokens') as Tensor }, { labels: targets });
  };
  const parameters = trainableParameters(trained).filter((name) => /^(block3\.|logits).*weight$/.test(name));
  const gradients = await modelGradients({
    ...{ model, output: 'logits', classes: codeCount, rows: dataOf(images), queries: dataOf(items), parameters },
  });
  const counts = { rows: images.length, queries: items.length, seed: 0 };
  return (await score('track-star', { ...counts, gradients })).values;
}

/** Times at which an image is denoised, each with a noise of its own. */
const times = [0.2, 0.4, 0.6, 0.8];

/**
 * The same of a diffusion model, of the squares of what it denoises an image to, at four times: this tells more than its
 * error does. Source: Zheng et al. 2024 (ICLR), D-TRAK.
 * @returns items × images
 */
export async function denoisingInfluence(
  trained: OnnxModel,
  images: readonly PixelRow[],
  items: readonly PixelRow[],
  runtime: Runtime,
): Promise<Matrix64> {
  const network = outputNetwork();
  const weights = readParameters(trained, trainableParameters(network));
  const model = createModel(withParameters(network, weights), runtime, { name: 'denoiser', hash });
  const gradients = await modelGradients({
    ...{ model, output: 'image0', classes: size, rows: atTimes(images), queries: atTimes(items) },
    ...{ loss: 'mean(logits*logits)', parameters: ['block4.conv2.weight', 'out.weight'] },
  });
  const counts = { rows: images.length, queries: items.length, seed: 0 };
  const averaged = overTimes(gradients, images.length, items.length);
  return (await score('track-star', { ...counts, gradients: averaged })).values;
}

/** Every image at all times, one time after the other. */
function atTimes(rows: readonly PixelRow[]) {
  const source = random(0, 73);
  const noises = times.map(() => filled(new Float32Array(size), () => source.normal()));
  const count = rows.length * times.length;
  const repeated = rows.flatMap((row) => times.map(() => row));
  const noise = new Float32Array(count * size);
  const time = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    noise.set(noises[i % times.length], i * size);
    time[i] = times[i % times.length];
  }
  return datasetOf(
    {
      image: scaledImages(repeated),
      caption: captionsOf(repeated),
      noise: float32([count, patchWidth, grid, grid], noise),
      time: float32([count, 1], time),
    },
    // The loss is a formula that asks for no label.
    { labels: int64([count], new BigInt64Array(count)) },
  );
}

/** Gradients of images, each the mean over its times. */
function overTimes(gradients: GradientMaterial, images: number, items: number): GradientMaterial {
  return {
    ...gradients,
    rows: images,
    queries: async () => meanOverTimes(await gradients.queries(), items),
    async project(projections) {
      const found = await gradients.project(projections);
      const width = found.widths.reduce((sum, one) => sum + one, 0);
      const all = zeros(images * times.length, width);
      for await (const { first, values } of found.pieces()) all.data.set(values.data, first * width);
      return heldRows(meanOverTimes(all, images), found.widths);
    },
  };
}

function meanOverTimes({ columns, data }: Matrix64, count: number): Matrix64 {
  const means = zeros(count, columns);
  for (let i = 0; i < data.length; i++)
    means.data[Math.floor(i / (columns * times.length)) * columns + (i % columns)] += data[i] / times.length;
  return means;
}
