import { contentHash, hashedTensor } from '../../tensor/content-hash.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { findKeypointsBothWays, type Keypoints, keypointsOf } from './keypoints.ts';
import { mirrored } from './oklab.ts';
import { perceptualHash } from './perceptual-hash.ts';
import { thumbnailOf } from './thumbnail.ts';
import { imageVector, isEven } from './vectors.ts';

/** One way round of a traced image. */
export interface QueryView {
  readonly mirrored: boolean;
  readonly vector: Float32Array;
  readonly hash: Uint32Array;
  readonly keypoints: Keypoints;
}

/** An image that is traced: as it is, and from right to left. */
export interface QueryImage {
  readonly height: number;
  readonly width: number;
  /** See `isEven`. */
  readonly even: boolean;
  readonly views: readonly [QueryView, QueryView];
  /** See `thumbnailOf`. */
  readonly thumbnail: Uint8Array;
  /** SHA-256 of its pixels. */
  readonly content: string;
  /** SHA-256 of its file, where it has one. */
  readonly file?: string;
  /** Its embeddings by the encoders of the index. */
  readonly embeddings: readonly Float32Array[];
}

/**
 * What an index is asked about an image: vector, hash and keypoints, of the image and of its mirror image.
 * @param pixels height × width × 3
 */
export function queryImage(
  pixels: Tensor<'uint8'>,
  { file, embeddings = [] }: { readonly file?: string; readonly embeddings?: readonly Float32Array[] } = {},
): QueryImage {
  const points = findKeypointsBothWays(pixels, keypointsOf.query);
  const view = (image: Tensor<'uint8'>, isMirrored: boolean): QueryView => ({
    mirrored: isMirrored,
    vector: imageVector(image),
    hash: perceptualHash(image),
    keypoints: points[isMirrored ? 1 : 0],
  });
  const [height, width] = pixels.shape;
  const views = [view(pixels, false), view(mirrored(pixels), true)] as const;
  const content = contentHash(hashedTensor(pixels));
  return {
    height,
    width,
    even: isEven(pixels),
    views,
    thumbnail: thumbnailOf(pixels),
    content,
    file,
    embeddings,
  };
}
