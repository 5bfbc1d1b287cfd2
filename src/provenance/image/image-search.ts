import { type BlockSearch, searchBlocks } from './block-search.ts';
import type { FeatureBlock } from './features.ts';
import { type KeypointSearch, searchKeypoints } from './keypoint-search.ts';

/** What finds parts of an image in those of an index. */
export interface ImageSearch {
  readonly points: KeypointSearch;
  readonly blocks: BlockSearch;
}

export const searchImages = (features: FeatureBlock): ImageSearch => ({
  points: searchKeypoints(features),
  blocks: searchBlocks(features.thumbnails, features.count),
});
