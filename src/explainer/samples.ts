import type { Dataset } from '../dataset/dataset.ts';
import { defineDataset } from '../dataset/define-dataset.ts';
import { WhereforeError } from '../errors.ts';
import { mapped } from '../tensor/filled.ts';
import { random } from '../tensor/random.ts';
import { takeRows } from '../tensor/take-rows.ts';
import { concatRows, float32, formatShape, int64, sizeOf, type Tensor } from '../tensor/tensor.ts';
import type { Classifier } from './classifier.ts';
import { trainingInputs } from './objective.ts';
import { drawReference, type PixelStatistics } from './references.ts';
import type { LaxSettings } from './settings.ts';

/** Unlabelled images by position. */
export type Images = (positions: ArrayLike<number>) => Promise<Tensor<'float32'>>;

/** Images that take at most so many bytes are read once and kept. */
const keptBytes = 2 ** 30;

/**
 * The images of a dataset for one input of a model: kept in memory where they fit, read again for every batch
 * otherwise.
 * @throws WhereforeError `unknown-name` or `wrong-type` when the dataset does not hold that input
 */
export async function imagesOf(dataset: Dataset, input: string, indices: Uint32Array): Promise<Images> {
  const read = async (own: ArrayLike<number>): Promise<Tensor<'float32'>> => {
    const tensors = (await dataset.read(own)).inputs;
    const image = tensors[input];
    if (image?.type === 'float32') return image as Tensor<'float32'>;
    throw new WhereforeError(image ? 'wrong-type' : 'unknown-name', `images for input "${input}"`, {
      got: image ? `${image.type} ${formatShape(image.shape)}` : Object.keys(tensors).join(', '),
      expected: 'float32',
    });
  };
  const first = await read(indices.subarray(0, 1));
  if (sizeOf(first.shape) * 4 * indices.length > keptBytes) {
    return (positions) => read(mapped(Uint32Array, positions, (position) => indices[position]));
  }
  const parts: Tensor<'float32'>[] = [];
  const together = 256;
  for (let start = 0; start < indices.length; start += together)
    parts.push(await read(indices.subarray(start, start + together)));
  const all = concatRows(parts);
  return async (positions) => takeRows(all, positions);
}

/**
 * Images with what a training step draws for each: the class to explain (by rank), a threshold (α_min or, by a coin,
 * uniform above it), a number of pixels to rank apart (a share u² of them, u uniform, because curves bend where little
 * is moved), a reference. A sample's draws depend on the seed, the epoch and its position alone.
 */
export function explainerSamples(
  images: Images,
  count: number,
  classifier: Classifier,
  settings: LaxSettings,
  statistics: PixelStatistics,
): Dataset {
  const { classes, input, layout } = classifier;
  const ranks = Math.min(settings.topClasses, classes);
  const pixels = layout.height * layout.width;
  return defineDataset({
    name: 'images to explain',
    length: count,
    // The objective is an output of the training model: it has no targets.
    labels: float32([count, 0], []),
    async inputs(positions, epoch) {
      const x = await images(positions);
      const size = sizeOf(x.shape.slice(1));
      const sources = Array.from(positions, (position) => random(settings.seed, 1 + epoch * count + position));
      const others = await images(sources.map((source) => source.integer(count)));
      const rank = new BigInt64Array(positions.length);
      const threshold = new Float32Array(positions.length);
      const moved = new BigInt64Array(positions.length);
      const reference = new Float32Array(x.data.length);
      sources.forEach((source, i) => {
        const other = source.uniform() < settings.otherClasses;
        rank[i] = other && ranks > 1 ? BigInt(1 + source.integer(ranks - 1)) : 0n;
        threshold[i] = settings.threshold + (source.uniform() < 0.5 ? 0 : (1 - settings.threshold) * source.uniform());
        moved[i] = BigInt(Math.round(1 + (pixels - 2) * source.uniform() ** 2));
        const row = (data: Float32Array) => data.subarray(i * size, (i + 1) * size);
        const drawing = { layout, statistics, source, other: row(others.data) };
        drawReference(settings.references, row(reference), row(x.data), drawing);
      });
      return {
        [input]: x,
        [trainingInputs.rank]: int64([positions.length, 1], rank),
        [trainingInputs.threshold]: float32([positions.length, 1, 1, 1], threshold),
        [trainingInputs.moved]: int64([positions.length, 1], moved),
        [trainingInputs.reference]: float32(x.shape, reference),
      };
    },
  });
}
