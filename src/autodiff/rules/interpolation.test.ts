import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Interpolation, interpolationMatrix } from './interpolation.ts';

const how = (changes: Partial<Interpolation> = {}): Interpolation => ({
  mode: 'linear',
  coordinates: 'half_pixel',
  nearest: 'round_prefer_floor',
  cubicCoefficient: -0.75,
  excludeOutside: false,
  antialias: false,
  ...changes,
});
const axis = (size: number, resized: number) => ({
  size,
  resized,
  scale: Math.fround(resized / size),
  start: 0,
  end: 1,
});
const rows = (matrix: Float64Array | undefined, size: number) =>
  Array.from({ length: (matrix?.length ?? 0) / size }, (_, i) => [
    ...(matrix as Float64Array).slice(i * size, (i + 1) * size),
  ]);

describe('interpolationMatrix', () => {
  it('doubles two elements linearly', () => {
    // Centres of the outputs in the input: −0.25, 0.25, 0.75, 1.25; the first and the last lie beyond the border.
    expect(rows(interpolationMatrix(how(), axis(2, 4)), 2)).toEqual([
      [1, 0],
      [0.75, 0.25],
      [0.25, 0.75],
      [0, 1],
    ]);
  });

  it('keeps the corners with align_corners', () => {
    const matrix = rows(interpolationMatrix(how({ coordinates: 'align_corners' }), axis(3, 5)), 3);
    expect(matrix).toEqual([
      [1, 0, 0],
      [0.5, 0.5, 0],
      [0, 1, 0],
      [0, 0.5, 0.5],
      [0, 0, 1],
    ]);
  });

  it('takes every second element when it halves by asymmetric floor', () => {
    const nearest = how({ mode: 'nearest', coordinates: 'asymmetric', nearest: 'floor' });
    expect(rows(interpolationMatrix(nearest, axis(4, 2)), 4)).toEqual([
      [1, 0, 0, 0],
      [0, 0, 1, 0],
    ]);
  });

  it('rounds ties as the nearest mode says', () => {
    // Halving: the centre of output 0 is 0.5.
    const picked = (nearest: string) => rows(interpolationMatrix(how({ mode: 'nearest', nearest }), axis(2, 1)), 2)[0];
    expect(picked('round_prefer_floor')).toEqual([1, 0]);
    expect(picked('round_prefer_ceil')).toEqual([0, 1]);
  });

  it('leaves rows outside the region of interest to the extrapolation value', () => {
    const crop = { ...axis(3, 3), start: -0.5, end: 0.5 };
    // Positions −1, 0 and 1.
    expect(rows(interpolationMatrix(how({ coordinates: 'tf_crop_and_resize' }), crop), 3)).toEqual([
      [0, 0, 0],
      [1, 0, 0],
      [0, 1, 0],
    ]);
  });

  it('does not know other coordinate transformations', () => {
    expect(interpolationMatrix(how({ coordinates: 'barycentric' }), axis(2, 4))).toBeUndefined();
  });

  it('reproduces a constant, in every mode and at every size', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('nearest', 'linear', 'cubic'),
        fc.constantFrom('half_pixel', 'half_pixel_symmetric', 'pytorch_half_pixel', 'asymmetric', 'align_corners'),
        fc.boolean(),
        fc.boolean(),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 12 }),
        (mode, coordinates, antialias, excludeOutside, size, resized) => {
          const options = how({ mode: mode as Interpolation['mode'], coordinates, antialias, excludeOutside });
          for (const row of rows(interpolationMatrix(options, axis(size, resized)), size)) {
            // Weights are sums of a few terms of order 1 in float64.
            expect(row.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 10);
          }
        },
      ),
    );
  });
});
