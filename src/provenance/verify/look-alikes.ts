import type { Calibration } from '../image/calibrate.ts';
import type { ImageIndex } from '../image/image-index.ts';
import { vectorRanges, vectorWidth } from '../image/vectors.ts';

/**
 * The best look-alike of some images among others, each used once at most: id → its number among them. By the mean of the
 * standardised likeness of pixels, gradients and colours; keypoints are left out, as they ask for the pixels.
 */
export function lookAlikes(
  ids: readonly string[],
  index: ImageIndex,
  outside: ImageIndex,
  { weights: { moments } }: Calibration,
): Map<string, number> {
  const places = new Map(index.items.map(({ id }, i) => [id, i]));
  const taken = new Set<number>();
  const found = new Map<string, number>();
  for (const id of ids) {
    const own = (places.get(id) as number) * vectorWidth;
    let [best, highest] = [-1, Number.NEGATIVE_INFINITY];
    for (let other = 0; other < outside.items.length; other++) {
      if (taken.has(other)) continue;
      const score = likeness(index.features.vectors, own, outside.features.vectors, other * vectorWidth, moments);
      if (score > highest) [best, highest] = [other, score];
    }
    if (best < 0) break;
    taken.add(best);
    found.set(id, best);
  }
  return found;
}

function likeness(
  a: Float32Array,
  i: number,
  b: Float32Array,
  j: number,
  moments: Calibration['weights']['moments'],
): number {
  const [from, to] = vectorRanges.pixels;
  let squares = 0;
  for (let k = from; k < to; k++) squares += (a[i + k] - b[j + k]) ** 2;
  const pixels = -Math.sqrt((3 * squares) / (to - from));
  let sum = (pixels - moments.pixels.mean) / moments.pixels.deviation;
  for (const part of ['gradients', 'colours'] as const) {
    const [first, last] = vectorRanges[part];
    let product = 0;
    for (let k = first; k < last; k++) product += a[i + k] * b[j + k];
    sum += (product - moments[part].mean) / moments[part].deviation;
  }
  return sum;
}
