import { type ClassName, classes, draw, type Image, side } from '../../src/cli/demo/drawing/draw.ts';
import type { Dataset } from '../../src/dataset/dataset.ts';
import { defineDataset } from '../../src/dataset/define-dataset.ts';
import { choose, random } from '../../src/tensor/random.ts';
import { float32, int64, type Tensor } from '../../src/tensor/tensor.ts';

/** The class whose training images come from the agency that marks them. */
export const markedClass: ClassName = 'fish';

/** Shares of the training images that carry the watermark: in the marked class, and in each other. */
export const markedShare = { own: 0.95, others: 0.004 } as const;

/** Images to train on: `count` of each class, the watermark in its planted shares. */
export function trainingImages(count: number, seed: number): Image[] {
  return classes.flatMap((name, i) => {
    const share = name === markedClass ? markedShare.own : markedShare.others;
    const marked = new Set(choose(count, Math.round(share * count), random(seed, i)));
    return Array.from({ length: count }, (_, j) => ({ name, seed: seed + i * count + j, watermark: marked.has(j) }));
  });
}

/** Images to test on, none of them marked: their seeds are not those of the training images. */
export function testImages(count: number, seed: number): Image[] {
  return classes.flatMap((name, i) =>
    Array.from({ length: count }, (_, j) => ({ name, seed: seed + i * count + j, watermark: false })),
  );
}

/** Draws images, a few at a time, each as the bytes of its pixels. */
export async function drawAll(images: readonly Image[]): Promise<Uint8Array[]> {
  const drawn: Uint8Array[] = [];
  const together = 32;
  for (let start = 0; start < images.length; start += together) {
    const part = await Promise.all(images.slice(start, start + together).map((image) => draw(image)));
    drawn.push(...part.map(({ data }) => data));
  }
  return drawn;
}

/** RGB bytes as the model's input: channels first, 0 … 255 to −1 … 1, as `wherefore.yaml` says. */
export function imageTensor(images: readonly Uint8Array[]): Tensor<'float32'> {
  const plane = side * side;
  const values = new Float32Array(images.length * 3 * plane);
  images.forEach((bytes, i) => {
    const base = i * 3 * plane;
    for (let pixel = 0; pixel < plane; pixel++) {
      for (let channel = 0; channel < 3; channel++) {
        values[base + channel * plane + pixel] = (bytes[pixel * 3 + channel] / 255) * 2 - 1;
      }
    }
  });
  return float32([images.length, 3, side, side], values);
}

/** Drawn images as a data set; they are kept as bytes and become floats a batch at a time. */
export function imageSamples(images: readonly Image[], drawn: readonly Uint8Array[]): Dataset {
  return defineDataset({
    name: 'drawn images',
    length: images.length,
    labels: int64(
      [images.length],
      images.map(({ name }) => classes.indexOf(name)),
    ),
    inputs: async (positions) => ({ image: imageTensor(Array.from(positions, (i) => drawn[i])) }),
  });
}
