import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { impute } from './imputation.ts';

function imputed(
  values: readonly number[],
  grid: readonly number[],
  unknown: readonly number[],
  tolerance = 1e-9,
): number[] {
  const plane = Float64Array.from(values, (value, i) => (unknown.includes(i) ? 99 : value));
  impute(
    [plane],
    grid,
    Uint8Array.from(values, (_, i) => (unknown.includes(i) ? 0 : 1)),
    tolerance,
  );
  return [...plane];
}

describe('imputation from neighbours', () => {
  it('is the weighted mean around a single unknown: beside 1/6, diagonal 1/12', () => {
    // Both rings have mean 5; a corner raised by 12 adds 12/12, a side 12/6.
    expect(imputed([1, 2, 3, 4, 0, 6, 7, 8, 9], [3, 3], [4])[4]).toBeCloseTo(5, 6);
    expect(imputed([13, 2, 3, 4, 0, 6, 7, 8, 9], [3, 3], [4])[4]).toBeCloseTo(6, 6);
    expect(imputed([1, 14, 3, 4, 0, 6, 7, 8, 9], [3, 3], [4])[4]).toBeCloseTo(7, 6);
    expect(imputed([1, 2, 3, 16, 0, 6, 7, 8, 9], [3, 3], [4])[4]).toBeCloseTo(7, 6);
    // A corner has three: (2·2 + 2·4 + 5)/5.
    expect(imputed([0, 2, 3, 4, 5, 6, 7, 8, 9], [3, 3], [0])[0]).toBeCloseTo(17 / 5, 6);
    // The border of a wide grid: (2·1 + 2·3 + 2·6 + 5 + 7)/8.
    expect(imputed([1, 0, 3, 4, 5, 6, 7, 8], [2, 4], [1])[1]).toBeCloseTo((2 * 1 + 2 * 3 + 2 * 6 + 5 + 7) / 8, 6);
  });

  it('is a straight line along a series', () => {
    expect(imputed([0, 9, 9, 9, 8], [5], [1, 2, 3]).map((value) => Number(value.toFixed(6)))).toEqual([0, 2, 4, 6, 8]);
    // Whatever the unit.
    const small = imputed([0, 9, 9, 9, 8e-15], [5], [1, 2, 3]);
    expect(small.map((value) => Number((1e15 * value).toFixed(6)))).toEqual([0, 2, 4, 6, 8]);
    // Beyond the last known value it stays.
    expect(imputed([3, 5, 9, 9], [4], [2, 3])[3]).toBeCloseTo(5, 6);
  });

  it('goes on until it has converged, or says that it cannot', () => {
    // Two known ends of a chain: information moves one place an iteration. The guess starts far from the line.
    const length = 6001;
    const known = new Uint8Array(length);
    known[0] = known[length - 1] = 1;
    const plane = new Float64Array(length);
    plane[length - 1] = 1;
    // Residuals add up over the square of the length: 1e-10 · 6000²/8 = 4.5e-4.
    const iterations = impute([plane], [length], known, 1e-10);
    expect(iterations).toBeGreaterThan(2000);
    for (const at of [1500, 3000, 4500]) expect(Math.abs(plane[at] - at / 6000)).toBeLessThan(1e-3);
    expect(() => impute([Float64Array.of(0, 5, 5, 1)], [4], Uint8Array.of(1, 0, 0, 1), -1)).toThrow(
      /did not converge.*leave ROAD out/,
    );
  });

  it('leaves what is known, and lies between its extremes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 35, maxLength: 35 }),
        fc.uniqueArray(fc.integer({ min: 0, max: 34 }), { minLength: 1, maxLength: 34 }),
        (values, unknown) => {
          const result = imputed(values, [5, 7], unknown);
          const known = values.filter((_, i) => !unknown.includes(i));
          const range = Math.max(...known) - Math.min(...known);
          values.forEach((value, i) => {
            if (!unknown.includes(i)) expect(result[i]).toBe(value);
            // The solver stops at a residual of 1e-9 of the range, which a chain of 35 positions amplifies.
            expect(result[i]).toBeGreaterThanOrEqual(Math.min(...known) - 1e-6 * range - 1e-12);
            expect(result[i]).toBeLessThanOrEqual(Math.max(...known) + 1e-6 * range + 1e-12);
          });
        },
      ),
      { numRuns: 50 },
    );
  });

  it('satisfies its equations, channel by channel', () => {
    const height = 9;
    const width = 11;
    const known = Uint8Array.from({ length: height * width }, (_, i) => (i % 3 === 0 && i % 5 !== 0 ? 1 : 0));
    const planes = [0, 1].map((channel) =>
      Float64Array.from({ length: height * width }, (_, i) => Math.sin(i + 4 * channel)),
    );
    impute(planes, [height, width], known, 1e-10);
    for (const plane of planes) {
      for (let y = 1; y < height - 1; y++) {
        for (let x = 1; x < width - 1; x++) {
          if (known[y * width + x]) continue;
          const at = (dy: number, dx: number) => plane[(y + dy) * width + x + dx];
          const mean =
            (at(-1, 0) + at(1, 0) + at(0, -1) + at(0, 1)) / 6 + (at(-1, -1) + at(-1, 1) + at(1, -1) + at(1, 1)) / 12;
          expect(plane[y * width + x]).toBeCloseTo(mean, 8);
        }
      }
    }
  });

  it('needs something known and a grid of one or two axes', () => {
    expect(() => imputed([1, 2], [2], [0, 1])).toThrow(/nothing is known/);
    expect(() => imputed([1, 2], [1, 1, 2], [0])).toThrow(/3 axes/);
  });
});
