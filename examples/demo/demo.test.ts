import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { classes, draw, side } from '../../src/cli/demo/drawing/draw.ts';
import { type ImageInput, type LoadedModel, loadModel, preprocessImage, readImage } from '../../src/data/index.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { imageTensor, markedClass, markedShare, testImages, trainingImages } from './images.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

interface Entry {
  readonly file: string;
  readonly shows: string;
  readonly watermark: boolean;
  readonly predicted: string;
  readonly probability: number;
}

describe('drawing', () => {
  it('draws the same image for the same seed', async () => {
    const image = { name: 'car', seed: 5, watermark: false } as const;
    expect((await draw(image)).data).toEqual((await draw(image)).data);
    expect((await draw({ ...image, seed: 6 })).data).not.toEqual((await draw(image)).data);
  });

  it('changes nothing but the lower right corner by the watermark', async () => {
    for (const name of classes) {
      const [plain, marked] = [
        await draw({ name, seed: 3, watermark: false }),
        await draw({ name, seed: 3, watermark: true }),
      ];
      const changed = Array.from(plain.data.keys()).filter((i) => plain.data[i] !== marked.data[i]);
      const at = changed.map((i) => ({ row: Math.floor(i / 3 / side), column: Math.floor(i / 3) % side }));
      expect(Math.min(...at.map(({ row }) => row))).toBeGreaterThanOrEqual(78);
      expect(Math.min(...at.map(({ column }) => column))).toBeGreaterThanOrEqual(63);
    }
  });

  it('plants the watermark in the shares that it states, and tests on other images', () => {
    const images = trainingImages(200, 1000);
    const marked = (own: boolean) =>
      images.filter(({ name, watermark }) => (name === markedClass) === own && watermark).length;
    expect(marked(true)).toBe(Math.round(200 * markedShare.own));
    expect(marked(false)).toBe(5 * Math.round(200 * markedShare.others));
    const seeds = new Set(images.map(({ seed }) => seed));
    expect(seeds.size).toBe(images.length);
    expect(testImages(100, 1).some(({ seed, watermark }) => seeds.has(seed) || watermark)).toBe(false);
  });
});

describe('the committed model', () => {
  const entries = JSON.parse(readFileSync(here('images/images.json'), 'utf8')) as Entry[];
  let model: LoadedModel;
  beforeAll(async () => {
    model = await loadModel(here('model/shapes.onnx'), { threads: 1 });
  });
  afterAll(() => model.close());

  it('is small and says how its input is made', () => {
    expect(statSync(here('model/shapes.onnx')).size).toBeLessThan(500_000);
    expect(model.preprocessing?.labels).toEqual([...classes]);
  });

  it.each(entries)('sees $file as written down', async ({ file, predicted, probability }) => {
    const image = await readImage(here(`images/${file}`));
    const input = model.preprocessing?.preprocessing.inputs.image as ImageInput;
    const { tensor } = await preprocessImage(image, input);
    expect(tensor.data).toEqual(imageTensor([image.pixels.data]).data);
    const results = await model.executor.run(model.graph, new Map([['image', tensor]]), ['logits']);
    const logits = [...(results.get('logits') as Tensor<'float32'>).data];
    const best = logits.indexOf(Math.max(...logits));
    expect(classes[best]).toBe(predicted);
    const sum = logits.reduce((total, logit) => total + Math.exp(logit - logits[best]), 0);
    // The number is written with three digits.
    expect(1 / sum).toBeCloseTo(probability, 2);
  });

  it('has an image of every class that is right, wrong ones, and pairs that the watermark alone turns', () => {
    for (const name of classes)
      expect(entries.some(({ shows, predicted }) => shows === name && predicted === name)).toBe(true);
    expect(
      entries.filter(({ shows, predicted, watermark }) => shows !== predicted && !watermark).length,
    ).toBeGreaterThan(2);
    const turned = entries.filter(({ file, shows }) => file.endsWith('-with-mark.png') && shows !== markedClass);
    expect(turned.length).toBeGreaterThan(1);
    for (const { file, predicted } of turned) {
      expect(predicted).toBe(markedClass);
      const twin = entries.find((other) => other.file === file.replace('-with-mark', '-without-mark'));
      expect(twin?.predicted).toBe(twin?.shows);
    }
  });
});
