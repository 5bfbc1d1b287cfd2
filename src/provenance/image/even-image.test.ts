import { expect, it } from 'vitest';
import { random } from '../../tensor/random.ts';
import { type Tensor, tensor } from '../../tensor/tensor.ts';
import { calibrate } from './calibrate.ts';
import { blockOf, imageFeatures } from './features.ts';
import type { ImageIndex } from './image-index.ts';
import { queryImage } from './query-image.ts';
import { imageTracer } from './trace-image.ts';

const side = 64;

/** One colour, light that falls from the left or stripes of it, with the noise of a camera. */
function plain(seed: number, kind: 'colour' | 'light' | 'stripes', noise: number): Tensor<'uint8'> {
  const source = random(41, seed);
  const colour = [0, 1, 2].map(() => 40 + 160 * source.uniform());
  const grain = random(42, seed);
  const data = new Uint8Array(side * side * 3);
  for (let i = 0; i < data.length; i++) {
    const x = Math.floor(i / 3) % side;
    const light = { colour: 1, light: 0.8 + (0.3 * x) / side, stripes: x % 16 < 8 ? 1 : 0.4 }[kind];
    data[i] = Math.max(0, Math.min(255, Math.round(colour[i % 3] * light + noise * grain.normal())));
  }
  return tensor('uint8', [side, side, 3], data);
}

it('is even where it shows a colour or light that falls slowly, and not where it shows lines', () => {
  const isEven = (kind: 'colour' | 'light' | 'stripes') => queryImage(plain(1, kind, 2.5)).even;
  expect([isEven('colour'), isEven('light'), isEven('stripes')]).toEqual([true, true, false]);
});

it('is found again without its noise, which its gradients consisted of', async () => {
  const kinds = ['colour', 'light'] as const;
  const images = Array.from({ length: 30 }, (_, i) => plain(i, kinds[i % 2], 2.5));
  const features = blockOf(images.map((image) => imageFeatures(image)));
  const contents = images.map((_, i) => String(i));
  const read = { read: async (i: number) => images[i], embed: async () => [] };
  const calibration = await calibrate(features, contents, read, { unrelated: 5, planted: 1 });
  const items = contents.map((content) => ({ id: content, content, hash: content, size: [side, side], columns: {} }));
  const index = { folder: '', name: 'plain', encoders: [], items, features } as unknown as ImageIndex;
  const tracer = imageTracer(index, calibration);
  for (const i of [4, 7, 20]) {
    const { rankings, notes } = tracer.trace(queryImage(plain(i, kinds[i % 2], 0)));
    expect(rankings[0].items[0].item.id).toBe(String(i));
    expect(notes.at(-1)).toMatch(/nothing but a colour/);
  }
  // Weights are not fitted on images that show nothing.
  expect(calibration).toMatchObject({ planted: { count: 0 } });
});
