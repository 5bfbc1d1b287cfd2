import { bootstrap, type Interval, quantile } from '../../evaluation/statistics.ts';
import { random } from '../../tensor/random.ts';
import type { ImageIndex } from '../image/image-index.ts';
import { nearDistance } from '../image/near-copy.ts';
import { partProducts } from '../image/part-products.ts';
import type { QueryImage } from '../image/query-image.ts';
import { vectorRanges, vectorWidth } from '../image/vectors.ts';

/** A generated image and the nearest one of the data. */
export interface NearestItem {
  readonly name: string;
  readonly id: string;
  /** Root mean square distance in Oklab of 8 × 8 means, the nearer way round. */
  readonly distance: number;
  /** Nearer than {@link Memorisation.limit}. */
  readonly memorised: boolean;
}

export interface Memorisation {
  /** Images of the data that were compared with all others. */
  readonly sampled: number;
  /** The distance that one in a hundred of them has to its nearest other image, copies left out. */
  readonly limit: number;
  readonly items: readonly NearestItem[];
  /** Share of generated images nearer than the limit, with a 95 % interval over them; .01 is what the data itself has. */
  readonly share: Interval;
}

/** Share of the data that lies nearer to another image than the limit. */
const limitShare = 0.01;
/** Images of the data that are compared with all others. */
const mostSampled = 500;

/**
 * Whether generated images lie nearer to single images of the data than these lie to each other. Copies in the data are
 * left out of what it is compared with, so that a duplicated image counts as memorised where it is reproduced.
 */
export function memorisationOf(
  { items, features }: Pick<ImageIndex, 'items' | 'features'>,
  generated: readonly { readonly name: string; readonly query: QueryImage }[],
  seed = 0,
): Memorisation {
  const { distance } = partProducts(features);
  const source = random(seed, 12);
  const nearest: number[] = [];
  for (let k = 0; k < Math.min(mostSampled, items.length); k++) {
    const a = items.length <= mostSampled ? k : source.integer(items.length);
    let best = Number.POSITIVE_INFINITY;
    for (let b = 0; b < items.length; b++) {
      const between = a === b ? Number.POSITIVE_INFINITY : distance(a, b);
      if (between < best && between >= nearDistance) best = between;
    }
    if (Number.isFinite(best)) nearest.push(best);
  }
  nearest.sort((a, b) => a - b);
  const limit = nearest.length === 0 ? 0 : quantile(nearest, limitShare);
  const found = generated.map(({ name, query }): NearestItem => {
    let [best, at] = [Number.POSITIVE_INFINITY, 0];
    for (let i = 0; i < items.length; i++) {
      const [own, turned] = query.views.map(({ vector }) => distanceTo(vector, features.vectors, i * vectorWidth));
      const between = Math.min(own, turned);
      if (between < best) [best, at] = [between, i];
    }
    return { name, id: items[at].id, distance: best, memorised: best < limit };
  });
  return {
    sampled: nearest.length,
    limit,
    items: found,
    share: bootstrap(found.map(({ memorised }) => (memorised ? 1 : 0))),
  };
}

function distanceTo(vector: Float32Array, vectors: Float32Array, at: number): number {
  const [from, to] = vectorRanges.pixels;
  let sum = 0;
  for (let j = from; j < to; j++) sum += (vector[j] - vectors[at + j]) ** 2;
  return Math.sqrt((3 * sum) / (to - from));
}
