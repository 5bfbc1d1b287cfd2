import { describe, expect, it } from 'vitest';
import { resizeImage } from '../../data/formats/resize.ts';
import { random } from '../../tensor/random.ts';
import { type Tensor, tensor } from '../../tensor/tensor.ts';
import { mirrored } from './oklab.ts';
import { patternCount } from './pattern-count.ts';
import { placedImage, placeIn } from './placement.ts';
import { thumbnailOf } from './thumbnail.ts';

const side = 96;

/** Discs of random colours on a ground. */
function drawn(seed: number): Tensor<'uint8'> {
  const source = random(41, seed);
  const data = new Uint8Array(side * side * 3).fill(120);
  for (let k = 0; k < 8; k++) {
    const rgb = [source.integer(256), source.integer(256), source.integer(256)];
    const [cy, cx, r] = [source.integer(side), source.integer(side), 8 + source.integer(14)];
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++) if (Math.hypot(y - cy, x - cx) < r) data.set(rgb, (y * side + x) * 3);
  }
  return tensor('uint8', [side, side, 3], data);
}

function cropped(image: Tensor<'uint8'>, top: number, left: number, height: number, width: number): Tensor<'uint8'> {
  const data = new Uint8Array(height * width * 3);
  for (let y = 0; y < height; y++) {
    const from = ((y + top) * side + left) * 3;
    data.set(image.data.subarray(from, from + 3 * width), y * width * 3);
  }
  return tensor('uint8', [height, width, 3], data);
}

const placed = (image: Tensor<'uint8'>, other: Tensor<'uint8'>) =>
  placeIn(placedImage(thumbnailOf(image)), thumbnailOf(other));

describe('an image is placed', () => {
  it('where it was cut out, also from right to left and with other proportions', () => {
    const whole = drawn(1);
    const part = cropped(whole, 12, 20, 70, 66);
    const found = placed(part, whole);
    // 66 of 96 columns from the 20th, 70 of 96 rows from the 12th; a pixel of what is compared is .06 of the side.
    expect(found.mirrored).toBe(false);
    expect(Math.abs(found.width - 66 / 96)).toBeLessThan(0.04);
    expect(Math.abs(found.height - 70 / 96)).toBeLessThan(0.04);
    expect(Math.abs(found.left - 20 / 96)).toBeLessThan(0.04);
    expect(Math.abs(found.top - 12 / 96)).toBeLessThan(0.04);
    expect(found.correlation).toBeGreaterThan(0.95);
    expect(placed(mirrored(part), whole)).toMatchObject({ mirrored: true });
  });

  it('around what was framed', () => {
    const whole = drawn(2);
    const data = new Uint8Array(side * side * 3).fill(20);
    const small = resizeImage(whole, [80, 80], 'bilinear');
    for (let y = 0; y < 80; y++) data.set(small.data.subarray(y * 240, (y + 1) * 240), ((y + 8) * side + 8) * 3);
    const { width, left, correlation } = placed(tensor('uint8', [side, side, 3], data), whole);
    // Own 8/96 … 88/96 is the other's 0 … 1.
    // What is compared has 16 pixels a side, .06 each.
    expect(Math.abs(width - 96 / 80)).toBeLessThan(0.08);
    expect(Math.abs(left + 8 / 80)).toBeLessThan(0.04);
    expect(correlation).toBeGreaterThan(0.95);
  });

  it('in an unrelated one with less correlation, and in an even one with none', () => {
    for (let k = 0; k < 6; k++) expect(placed(drawn(10 + k), drawn(20 + k)).correlation).toBeLessThan(0.9);
    const even = tensor('uint8', [side, side, 3], new Uint8Array(side * side * 3).fill(99));
    expect(Math.abs(placed(drawn(1), even).correlation)).toBeLessThan(0.05);
  });

  it('with evidence by how much it shows: light from one side is one pattern', () => {
    const lit = (brightest: number) => {
      const data = new Uint8Array(side * side * 3);
      for (let i = 0; i < data.length; i++) data[i] = 40 + ((i / 3) % side) * (brightest / side);
      return tensor('uint8', [side, side, 3], data);
    };
    const light = placed(lit(100), lit(180));
    expect(light.correlation).toBeGreaterThan(0.99);
    const whole = drawn(1);
    expect(placed(cropped(whole, 12, 20, 70, 66), whole).evidence).toBeGreaterThan(1.5 * light.evidence);
    const wave = { side: 8, data: new Float32Array(192) };
    for (let i = 0; i < 64; i++) wave.data[i] = Math.cos((Math.PI / 8) * ((i % 8) + 0.5) * 3);
    expect(patternCount(wave)).toBeCloseTo(1, 6);
    for (let i = 64; i < 128; i++) wave.data[i] = Math.cos((Math.PI / 8) * (((i >> 3) % 8) + 0.5) * 2);
    expect(patternCount(wave)).toBeCloseTo(2, 6);
  });
});
