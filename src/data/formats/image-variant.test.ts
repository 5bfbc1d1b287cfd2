import { describe, expect, it } from 'vitest';
import { random } from '../../tensor/random.ts';
import { tensor } from '../../tensor/tensor.ts';
import { describeVariant, drawVariant, variantOf } from './image-variant.ts';

/** 2×3 pixels with red 10·(3y + x), green 200, blue 0. */
const image = tensor('uint8', [2, 3, 3], Uint8Array.from([0, 1, 2, 3, 4, 5].flatMap((i) => [10 * i, 200, 0])));
const red = (pixels: { data: Uint8Array }) => [...pixels.data].filter((_, i) => i % 3 === 0);

describe('variants of an image', () => {
  it('cut a part out, mirror it, and change its brightness', () => {
    const part = { top: 0, left: 1, height: 2, width: 2 };
    // Columns 1 and 2 from right to left: 20 10, 50 40.
    expect(red(variantOf(image, { mirrored: true, part, brightness: 1 }))).toEqual([20, 10, 50, 40]);
    const bright = variantOf(image, { mirrored: false, part, brightness: 1.5 });
    expect(red(bright)).toEqual([15, 30, 60, 75]);
    // 200 · 1.5 is beyond white.
    expect(bright.data[1]).toBe(255);
    expect(red(variantOf(image, { mirrored: false, part, brightness: 1.5 }, { geometry: true }))).toEqual([
      10, 20, 40, 50,
    ]);
    expect(describeVariant({ mirrored: true, part, brightness: 1.5 })).toBe(
      'mirrored, rows 0–1 and columns 1–2, brightness × 1.5',
    );
  });

  it('are drawn within their limits, the same for the same seed', () => {
    const source = random(3);
    const drawn = Array.from({ length: 200 }, () => drawVariant([40, 80], source));
    for (const { part, brightness } of drawn) {
      expect(part.height).toBeGreaterThanOrEqual(30);
      expect(part.top + part.height).toBeLessThanOrEqual(40);
      expect(part.left + part.width).toBeLessThanOrEqual(80);
      expect(Math.abs(brightness - 1)).toBeLessThanOrEqual(0.25);
    }
    const mirrored = drawn.filter((variant) => variant.mirrored).length;
    // Half of 200 with a standard deviation of 7.
    expect(Math.abs(mirrored - 100)).toBeLessThan(30);
    expect(drawVariant([40, 80], random(3))).toEqual(drawn[0]);
  });

  it('refuse a part that does not lie in the image', () => {
    const part = { top: 0, left: 2, height: 2, width: 2 };
    expect(() => variantOf(image, { mirrored: false, part, brightness: 1 })).toThrow(/does not lie in the image/);
  });
});
