import { expect, it } from 'vitest';
import { readImage } from '../data/formats/image.ts';
import { random } from '../tensor/random.ts';
import { tensor } from '../tensor/tensor.ts';
import { base64 } from './base64.ts';
import { pngOf } from './png.ts';

it.each([1, 3, 4])('another decoder reads the pixels of %i channels', async (channels) => {
  const source = random(channels);
  // The last channel of four is opacity: opaque, so that nothing is dropped.
  const data = Uint8Array.from({ length: 5 * 7 * channels }, (_, i) =>
    channels === 4 && i % 4 === 3 ? 255 : Math.floor(256 * source.uniform()),
  );
  const { pixels } = await readImage(pngOf(tensor('uint8', [5, 7, channels], data)));
  expect(pixels.shape).toEqual([5, 7, 3]);
  const at = (i: number) => (channels === 1 ? Math.floor(i / 3) : Math.floor(i / 3) * channels + (i % 3));
  expect([...pixels.data]).toEqual(Array.from({ length: 5 * 7 * 3 }, (_, i) => data[at(i)]));
});

it('refuses what is no image', () => {
  expect(() => pngOf(tensor('uint8', [2, 2, 2]))).toThrow(/not an image/);
  expect(() => pngOf(tensor('uint8', [0, 2, 3]))).toThrow(/not an image/);
});

it('base 64 of bytes', () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  expect(base64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
});
