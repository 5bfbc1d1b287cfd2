import { type GridTransform, toSource } from '../data/inputs/grid.ts';
import { maxOf } from '../tensor/extremes.ts';
import { type Html, html } from './html.ts';
import type { SignedMap } from './signed-map.ts';

/** Longest side of the grid that lines are drawn on: finer ones wind around single pixels. */
const finest = 112;
/** The strongest positions that hold this share of the positive (or negative) attribution lie within the line. */
const held = 0.5;
/** A sign that holds less than this share of the other one gets no line. */
const leastSign = 0.05;

/** A line around the strongest positions of one sign. */
export interface Contour {
  readonly sign: 1 | -1;
  /** SVG path in units of the frame's pixels. */
  readonly path: string;
  /** Share of the image within the line. */
  readonly area: number;
}

/**
 * Lines around the strongest positions of a map: within the red one lies half of the positive attribution, within the blue one
 * half of the negative attribution. For a mask, one line at its threshold.
 */
export function contoursOf({ values, perPercent }: SignedMap, mask?: { threshold: number; limit: number }): Contour[] {
  const [height, width] = values.shape;
  const factor = Math.max(1, Math.ceil(Math.max(height, width) / finest));
  const coarse = averaged(values.data, height, width, factor);
  const sums = [1, -1].map((sign) => coarse.data.reduce((sum, value) => sum + Math.max(0, sign * value), 0));
  const signs = ([1, -1] as const).filter((_, i) => sums[i] > leastSign * maxOf(sums));
  return (mask ? ([1] as const) : signs).flatMap((sign): Contour[] => {
    const level = mask ? (mask.threshold * mask.limit) / perPercent : holdingLevel(coarse.data, sign);
    if (!(level > 0)) return [];
    const inside = coarse.data.reduce((count, value) => count + (sign * value >= level ? 1 : 0), 0);
    return [{ sign, path: marched(coarse, sign, level, factor), area: inside / coarse.data.length }];
  });
}

interface Grid {
  readonly data: Float64Array;
  readonly height: number;
  readonly width: number;
}

/** Means over squares of `factor` a side. */
function averaged(data: Float32Array, height: number, width: number, factor: number): Grid {
  const [rows, columns] = [Math.ceil(height / factor), Math.ceil(width / factor)];
  const sums = new Float64Array(rows * columns);
  const counts = new Float64Array(rows * columns);
  for (let i = 0; i < data.length; i++) {
    const at = Math.floor(Math.floor(i / width) / factor) * columns + Math.floor((i % width) / factor);
    sums[at] += data[i];
    counts[at]++;
  }
  return { data: sums.map((sum, i) => sum / counts[i]), height: rows, width: columns };
}

/** The value from which on the strongest positions hold {@link held} of their sign's sum; 0 where there are none. */
function holdingLevel(data: Float64Array, sign: number): number {
  const strongest = data
    .map((value) => sign * value)
    .filter((value) => value > 0)
    .sort()
    .reverse();
  const wanted = held * strongest.reduce((sum, value) => sum + value, 0);
  let sum = 0;
  for (const value of strongest) {
    sum += value;
    if (sum >= wanted) return value;
  }
  return 0;
}

/**
 * Marching squares (Lorensen and Cline 1987, in two dimensions): where the border of `sign · value ≥ level` crosses the
 * sides of the squares between four neighbouring centres, linear along a side. Beyond the map is 0, so lines close.
 */
function marched({ data, height, width }: Grid, sign: number, level: number, factor: number): string {
  const at = (y: number, x: number) => (y < 0 || x < 0 || y >= height || x >= width ? 0 : sign * data[y * width + x]);
  const text = (value: number, most: number) =>
    Number((Math.min(most, Math.max(0, value + 0.5)) * factor).toFixed(1)).toString();
  const point = (y: number, x: number) => `${text(x, width)} ${text(y, height)}`;
  const cross = (a: number, b: number) => (level - a) / (b - a);
  const lines: string[] = [];
  for (let y = -1; y < height; y++) {
    for (let x = -1; x < width; x++) {
      const [a, b, c, d] = [at(y, x), at(y, x + 1), at(y + 1, x + 1), at(y + 1, x)];
      const corners = [a, b, c, d].map((value) => value >= level);
      if (corners.every((one) => one === corners[0])) continue;
      const sides = [
        corners[0] !== corners[1] && point(y, x + cross(a, b)),
        corners[1] !== corners[2] && point(y + cross(b, c), x + 1),
        corners[2] !== corners[3] && point(y + 1, x + cross(d, c)),
        corners[3] !== corners[0] && point(y + cross(a, d), x),
      ].filter((one) => one !== false);
      // Four crossings: two lines that cut off the corners across from each other.
      for (let i = 0; i < sides.length; i += 2) lines.push(`M${sides[i]}L${sides[i + 1]}`);
    }
  }
  return lines.join('');
}

/** Lines over an image of `height` × `width` pixels, each on a light ground so that it is seen everywhere. */
export function renderContours(contours: readonly Contour[], [height, width]: readonly number[]): Html {
  return html`<svg class="contours" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" aria-hidden="true">${contours.map(
    ({ path }) => html`<path class="under" d="${path}"/>`,
  )}${contours.map(({ path, sign }) => html`<path class="${sign > 0 ? 'for' : 'against'}" d="${path}"/>`)}</svg>`;
}

/** The outline of a region of a grid over an image: the sides between positions inside and outside. */
export function regionPath(mask: ArrayLike<number>, transform: GridTransform): string {
  const [rows, columns] = transform.grid;
  const inside = (y: number, x: number) => y >= 0 && x >= 0 && y < rows && x < columns && mask[y * columns + x] > 0;
  const point = (y: number, x: number) =>
    toSource(transform, [y, x])
      .reverse()
      .map((value) => Number(value.toFixed(1)))
      .join(' ');
  const lines: string[] = [];
  for (let y = 0; y <= rows; y++) {
    for (let x = 0; x <= columns; x++) {
      if (inside(y, x) !== inside(y - 1, x)) lines.push(`M${point(y, x)}L${point(y, x + 1)}`);
      if (inside(y, x) !== inside(y, x - 1)) lines.push(`M${point(y, x)}L${point(y + 1, x)}`);
    }
  }
  return lines.join('');
}
