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

export function membershipOf(
  { items, features }: ImageIndex,
  query: QueryImage,
  { pixels, gradients }: Signals,
): Membership {
  const same: IndexedItem[] = [];
  const near: IndexedItem[] = [];
  for (const [i, item] of items.entries()) {
    if (item.hash === query.file || item.content === query.content) same.push(item);
    else {
      const bits = query.views.map(
        ({ hash }) => bitCount(hash[0] ^ features.hashes[2 * i]) + bitCount(hash[1] ^ features.hashes[2 * i + 1]),
      );
      const nearness = { distance: () => -pixels[i], gradients: () => gradients[i] };
      if (isNearCopy({ bits: Math.min(bits[0], bits[1]), ...nearness })) near.push(item);
    }
  }
  return { same, near };
}
