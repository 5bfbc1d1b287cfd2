import { describe, expect, it } from 'vitest';
import { controlOf } from './controls.ts';
import type { AttributionMap } from './map.ts';

const maps: AttributionMap[] = [
  [2, 0],
  [0, -4],
  [0, 0],
].map((values) => ({ values: Float64Array.from(values) }));
const valuesOf = (name: 'consensus' | 'inverted', of: readonly AttributionMap[]) => {
  const values = controlOf(name, of, 2, 1)?.map.values;
  return values && [...values];
};

describe('controls made of the maps of the methods', () => {
  it('the consensus: maps over their magnitude, those of 0 left out, at the median magnitude 3: ½ (1, −1) · 3', () => {
    expect(valuesOf('consensus', maps)).toEqual([1.5, -1.5]);
  });

  it('the inverted one is its opposite', () => {
    expect(valuesOf('inverted', maps)).toEqual([-1.5, 1.5]);
  });

  it('neither exists where every map is 0', () => {
    expect(valuesOf('consensus', [maps[2]])).toBeUndefined();
    expect(valuesOf('inverted', [maps[2]])).toBeUndefined();
  });

  it('noise of the magnitude of the maps knows nothing of the question: it explains the same again', async () => {
    const control = controlOf('random', maps, 2000, 7);
    // Σ|A| is 3 up to chance: a relative standard deviation of √(π/2 − 1)/√2000 = 1.7 %.
    expect(control?.map.values.reduce((sum, value) => sum + Math.abs(value), 0)).toBeGreaterThan(2.75);
    expect(control?.map.values.reduce((sum, value) => sum + Math.abs(value), 0)).toBeLessThan(3.25);
    expect(controlOf('random', maps, 2000, 8)?.map).not.toEqual(control?.map);
  });
});
