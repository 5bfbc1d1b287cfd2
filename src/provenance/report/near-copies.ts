import type { ImageIndex } from '../image/image-index.ts';
import { isNearCopy } from '../image/near-copy.ts';
import { partProducts } from '../image/part-products.ts';
import { bitCount } from '../image/perceptual-hash.ts';

/** Images of an index that are the same, or nearly. */
export interface CopyGroup {
  /** `exact`: the same pixels; `near`: joined by chains of near copies. */
  readonly kind: 'exact' | 'near';
  /** Ids, in the order of the data. */
  readonly ids: readonly string[];
}

/** Groups of copies in the data, the largest first. Every pair is looked at, by perceptual hashes first. */
export function copyGroups({ items, features }: Pick<ImageIndex, 'items' | 'features'>): CopyGroup[] {
  const { hashes } = features;
  const { product, distance } = partProducts(features);
  const parent = Uint32Array.from(items.keys());
  const root = (i: number): number => {
    let at = i;
    while (parent[at] !== at) at = parent[at] = parent[parent[at]];
    return at;
  };
  for (let a = 0; a < items.length; a++) {
    for (let b = a + 1; b < items.length; b++) {
      const bits = bitCount(hashes[2 * a] ^ hashes[2 * b]) + bitCount(hashes[2 * a + 1] ^ hashes[2 * b + 1]);
      const isSame = items[a].content === items[b].content;
      if (!isSame && !isNearCopy({ bits, distance: () => distance(a, b), gradients: () => product('gradients', a, b) }))
        continue;
      const [i, j] = [root(a), root(b)];
      parent[Math.max(i, j)] = Math.min(i, j);
    }
  }
  const groups = new Map<number, number[]>();
  for (const i of items.keys()) {
    const group = groups.get(root(i));
    if (group) group.push(i);
    else groups.set(root(i), [i]);
  }
  return [...groups.values()]
    .filter((members) => members.length > 1)
    .map((members): CopyGroup => {
      const isExact = members.every((i) => items[i].content === items[members[0]].content);
      return { kind: isExact ? 'exact' : 'near', ids: members.map((i) => items[i].id) };
    })
    .sort((a, b) => b.ids.length - a.ids.length);
}
