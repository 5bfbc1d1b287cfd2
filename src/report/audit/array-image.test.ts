import { expect, it } from 'vitest';
import { float32 } from '../../tensor/tensor.ts';
import { arrayImages } from './array-image.ts';

it('draws rows of one or three channels, in front or behind, from their least to their largest number', () => {
  const grey = new Float32Array(16).fill(-1);
  grey[5] = 1;
  grey[6] = 0;
  const [image] = arrayImages(float32([1, 1, 4, 4], grey)) ?? [];
  if (image?.kind !== 'image') throw new Error('no image');
  expect([image.width, image.height]).toEqual([4, 4]);
  expect([...image.pixels.slice(12, 21)]).toEqual([0, 0, 0, 255, 255, 255, 128, 128, 128]);
  const red = new Float32Array(3 * 20);
  red[0] = 1;
  for (const [shape, second] of [
    [[1, 3, 4, 5], 3],
    [[1, 4, 5, 3], 3],
  ] as const) {
    const [coloured] = arrayImages(float32([...shape], red)) ?? [];
    if (coloured?.kind !== 'image') throw new Error('no image');
    expect([coloured.width, coloured.height, ...coloured.pixels.slice(0, second)]).toEqual([5, 4, 255, 0, 0]);
  }
});

it('leaves other numbers as they are', () => {
  expect(arrayImages(float32([2, 64], new Float32Array(128)))).toBeUndefined();
  expect(arrayImages(float32([1, 2, 4, 4], new Float32Array(32)))).toBeUndefined();
  expect(arrayImages(float32([1, 1, 2, 8], new Float32Array(16)))).toBeUndefined();
});
