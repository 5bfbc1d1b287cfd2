import { expect, it } from 'vitest';
import { float32 } from '../tensor/tensor.ts';
import { contoursOf, regionPath } from './contours.ts';
import type { SignedMap } from './signed-map.ts';

const mapOf = (shape: [number, number], values: number[]): SignedMap => ({
  values: float32(shape, values),
  outside: 0,
  grids: [shape],
  perPercent: 1,
  smoothing: 0,
  notes: [],
});

/** Numbers of a path. */
const pointsOf = (path: string) =>
  [...path.matchAll(/[ML]([-\d.]+) ([-\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);

it('puts the line around the strongest places that hold half of a sign', () => {
  // 8 of 12 lies in one place: it alone is within the red line. Nothing is negative.
  const [line, ...more] = contoursOf(mapOf([3, 3], [1, 0, 1, 0, 8, 0, 1, 0, 1]));
  expect(more).toEqual([]);
  expect([line.sign, line.area]).toEqual([1, 1 / 9]);
  // From 8 in the centre (1.5, 1.5) to 0 beside it; the level is 8, so the line shrinks onto the centre.
  for (const point of pointsOf(line.path)) expect(point).toEqual([1.5, 1.5]);
});

it('interpolates between centres, and closes at the border', () => {
  // Positive half of (4, 4, 2): the level is 4; −10 alone is the negative half.
  const lines = contoursOf(mapOf([1, 4], [4, 4, 2, -10]));
  expect(lines.map(({ sign, area }) => [sign, area])).toEqual([
    [1, 2 / 4],
    [-1, 1 / 4],
  ]);
  const red = pointsOf(lines[0].path);
  // Above and below the two places the value falls from 4 to 0 outside: the line stays at the centres' row.
  expect(Math.min(...red.map(([x]) => x))).toBe(0.5);
  expect(Math.max(...red.map(([x]) => x))).toBe(1.5);
  // Every point is the end of exactly two lines: the contour is closed.
  const ends = new Map<string, number>();
  for (const point of red) ends.set(point.join(), (ends.get(point.join()) ?? 0) + 1);
  expect([...ends.values()].every((count) => count % 2 === 0)).toBe(true);
});

it('draws a mask at its threshold, and nothing where nothing is', () => {
  const [line] = contoursOf(mapOf([1, 4], [1, 1, 0, 0]), { threshold: 0.5, limit: 1 });
  expect(line.area).toBe(0.5);
  // Half way between 1 at 1.5 and 0 at 2.5.
  expect(Math.max(...pointsOf(line.path).map(([x]) => x))).toBe(2);
  expect(contoursOf(mapOf([2, 2], [0, 0, 0, 0]))).toEqual([]);
});

it('takes the threshold of a mask as a share of its limit, in the unit of the map', () => {
  // Half of 2, in hundredths: 100. Two of four values reach it; at ½ / 2 or at 1 three or four would.
  const hundredths = { ...mapOf([1, 4], [200, 100, 60, 0.3]), perPercent: 0.01 };
  expect(contoursOf(hundredths, { threshold: 0.5, limit: 2 })[0].area).toBe(0.5);
});

it('outlines a region along the sides of its places', () => {
  const transform = { source: [4, 4], grid: [2, 2], scale: [0.5, 0.5], offset: [0, 0] } as const;
  const sides = regionPath([1, 0, 0, 0], transform).match(/M[^M]+/g) ?? [];
  expect(sides.sort()).toEqual(['M0 0L0 2', 'M0 0L2 0', 'M0 2L2 2', 'M2 0L2 2']);
});
