import type { FeatureBlock } from './features.ts';
import { type VectorPart, vectorRanges, vectorWidth } from './vectors.ts';

/** How two images of a block resemble each other, by parts of their vectors. */
export function partProducts({ vectors }: FeatureBlock) {
  return {
    /** Dot product of a part. */
    product(part: VectorPart, a: number, b: number): number {
      const [from, to] = vectorRanges[part];
      let sum = 0;
      for (let j = from; j < to; j++) sum += vectors[a * vectorWidth + j] * vectors[b * vectorWidth + j];
      return sum;
    },
    /** Root mean square distance in Oklab of 8 × 8 means. */
    distance(a: number, b: number): number {
      const [from, to] = vectorRanges.pixels;
      let sum = 0;
      for (let j = from; j < to; j++) sum += (vectors[a * vectorWidth + j] - vectors[b * vectorWidth + j]) ** 2;
      return Math.sqrt((3 * sum) / (to - from));
    },
  };
}
