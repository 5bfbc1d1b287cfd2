import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { random } from '../tensor/random.ts';
import { float32 } from '../tensor/tensor.ts';
import type { ImageLayout } from './feature-maps.ts';
import { drawReference, pixelStatistics } from './references.ts';

function tiles(layout: ImageLayout, seed: number): { other: Float32Array; into: Float32Array } {
  const { channelAxis, channels, height, width } = layout;
  const size = channels * height * width;
  const other = Float32Array.from({ length: size }, (_, i) => i);
  const shape = channelAxis === 1 ? [1, channels, height, width] : [1, height, width, channels];
  const statistics = pixelStatistics(float32(shape, other), layout);
  const into = new Float32Array(size).fill(-1);
  drawReference(['tiles'], into, new Float32Array(size), { layout, statistics, source: random(seed), other });
  return { other, into };
}

describe('the reference of another image', () => {
  it('is that image, whatever the one explained', () => {
    const other = Float32Array.of(1, -2, 3, 4);
    const into = new Float32Array(4);
    const layout: ImageLayout = { channelAxis: 1, channels: 1, height: 2, width: 2 };
    const statistics = pixelStatistics(float32([1, 1, 2, 2], other), layout);
    drawReference(['image'], into, new Float32Array(4), { layout, statistics, source: random(1), other });
    expect(into).toEqual(other);
  });
});

describe('the reference of tiles', () => {
  it('holds every pixel of the other image once where the sides are multiples of 4', () => {
    const { other, into } = tiles({ channelAxis: 1, channels: 3, height: 8, width: 12 }, 1);
    expect(into.toSorted()).toEqual(other);
    expect(into).not.toEqual(other);
  });

  it('moves whole pixels, in either layout and of any size', () => {
    const sides = fc.record({ height: fc.integer({ min: 4, max: 9 }), width: fc.integer({ min: 4, max: 9 }) });
    fc.assert(
      fc.property(sides, fc.constantFrom(1 as const, 3 as const), fc.nat(99), ({ height, width }, axis, seed) => {
        const plane = height * width;
        const { into } = tiles({ channelAxis: axis, channels: 3, height, width }, seed);
        for (let pixel = 0; pixel < plane; pixel++) {
          const at = (c: number) => into[axis === 1 ? c * plane + pixel : pixel * 3 + c];
          const apart = axis === 1 ? plane : 1;
          if (at(1) - at(0) !== apart || at(2) - at(1) !== apart) return false;
        }
        return true;
      }),
      { numRuns: 40 },
    );
  });
});
