import { expect, it } from 'vitest';
import type { FeatureBlock } from './features.ts';
import type { ImageSearch } from './image-search.ts';
import type { QueryImage } from './query-image.ts';
import { signalsOf } from './signals.ts';
import { thumbnailSize } from './thumbnail.ts';
import { type VectorPart, vectorRanges, vectorWidth } from './vectors.ts';

/** A vector with one number in all of a part, and 0 elsewhere. */
function vectorOf(values: Partial<Record<VectorPart, number>>): Float32Array {
  const vector = new Float32Array(vectorWidth);
  for (const [part, value] of Object.entries(values)) vector.fill(value, ...vectorRanges[part as VectorPart]);
  return vector;
}

const view = (vector: Float32Array) => ({ vector, hash: new Uint32Array(2), keypoints: { count: 0 } });

it('measures pixels by the root mean square distance, of the nearer way round, and colours by their product', () => {
  const images = [vectorOf({ pixels: 0.5, colours: 0.1 }), vectorOf({ pixels: 0.2, colours: 0.05 })];
  const vectors = new Float32Array(2 * vectorWidth);
  images.forEach((vector, i) => {
    vectors.set(vector, i * vectorWidth);
  });
  const thumbnails = new Uint8Array(2 * thumbnailSize);
  const features = { count: 2, vectors, thumbnails, embeddings: [] } as unknown as FeatureBlock;
  const query = {
    views: [view(vectorOf({ pixels: 0.3, colours: 0.1 })), view(vectorOf({ pixels: 0.1, colours: 0.2 }))],
    thumbnail: new Uint8Array(thumbnailSize),
    embeddings: [],
  } as unknown as QueryImage;
  const search = { points: { find: () => [] }, blocks: { find: () => new Map() } } as unknown as ImageSearch;
  const { pixels, colours } = signalsOf(features, search, query);
  // Three planes count together: √3 · |difference| of single numbers.
  expect(pixels[0]).toBeCloseTo(-Math.sqrt(3) * 0.2, 5);
  expect(pixels[1]).toBeCloseTo(-Math.sqrt(3) * 0.1, 5);
  // 96 colours, of the first view only.
  expect(colours[0]).toBeCloseTo(96 * 0.1 * 0.1, 5);
  expect(colours[1]).toBeCloseTo(96 * 0.1 * 0.05, 5);
});
