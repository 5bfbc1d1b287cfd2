import type { ImageIndex } from './image-index.ts';
import type { IndexedItem } from './manifest.ts';
import { isNearCopy } from './near-copy.ts';
import { bitCount } from './perceptual-hash.ts';
import type { QueryImage } from './query-image.ts';
import type { Signals } from './signals.ts';

/** What the data holds of the item itself: by hashes, never by likeness of another kind. */
export interface Membership {
  /** Items with the same file, or the same pixels in another file. */
  readonly same: readonly IndexedItem[];
  /** Items that differ by no more than compression or resizing changes. */
  readonly near: readonly IndexedItem[];
}

/** The images of an index that are the traced one, and those that are near copies of it, by number. */
export interface Copies {
  readonly same: readonly number[];
  readonly near: readonly number[];
}

export function copiesIn(
  { items, features }: Pick<ImageIndex, 'items' | 'features'>,
  query: QueryImage,
  { pixels, gradients }: Signals,
): Copies {
  const same: number[] = [];
  const near: number[] = [];
  for (const [i, item] of items.entries()) {
    if (item.hash === query.file || item.content === query.content) same.push(i);
    else {
      const bits = query.views.map(
        ({ hash }) => bitCount(hash[0] ^ features.hashes[2 * i]) + bitCount(hash[1] ^ features.hashes[2 * i + 1]),
      );
      const nearness = { distance: () => -pixels[i], gradients: () => gradients[i] };
      if (isNearCopy({ bits: Math.min(bits[0], bits[1]), ...nearness })) near.push(i);
    }
  }
  return { same, near };
}
