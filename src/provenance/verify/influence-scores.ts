import * as z from 'zod/mini';
import { WhereforeError } from '../../errors.ts';

/** How much each image of the data counts for each item: item → image → score, by ids; larger counts more. */
export const influenceScores = z.record(z.string(), z.record(z.string(), z.number()));

export type InfluenceScores = z.infer<typeof influenceScores>;

/** Scores of an item in the order of the images. @throws WhereforeError `invalid-data` where an image or the item has none */
export function scoresOfItem(scores: InfluenceScores, item: string, images: readonly string[]): Float64Array {
  const own = Object.hasOwn(scores, item) ? scores[item] : {};
  const found = new Float64Array(images.length);
  for (const [i, image] of images.entries()) {
    if (!Object.hasOwn(own, image))
      throw new WhereforeError('invalid-data', 'the gradient command did not say how much every image counts', {
        got: `nothing of "${image}" for "${item}"`,
        expected: 'JSON: { "ITEM": { "IMAGE": 0.12, … }, … } for every item of {items} and every image of {images}',
      });
    found[i] = own[image];
  }
  return found;
}
