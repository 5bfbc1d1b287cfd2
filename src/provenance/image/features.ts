import { readSafetensors, writeSafetensors } from '../../data/formats/safetensors.ts';
import { WhereforeError } from '../../errors.ts';
import { contentHash, hashedTensor } from '../../tensor/content-hash.ts';
import { float32, type Tensor, tensor } from '../../tensor/tensor.ts';
import { findKeypoints, type Keypoints, keypointsOf } from './keypoints.ts';
import { perceptualHash } from './perceptual-hash.ts';
import { signatureWords } from './signature.ts';
import { thumbnailOf, thumbnailSize } from './thumbnail.ts';
import { imageVector, vectorWidth } from './vectors.ts';

/** What an index keeps of an image. */
export interface ImageFeatures {
  /** See `imageVector`. */
  readonly vector: Float32Array;
  /** See `perceptualHash`. */
  readonly hash: Uint32Array;
  /** See `thumbnailOf`. */
  readonly thumbnail: Uint8Array;
  readonly keypoints: Keypoints;
  /** SHA-256 of the pixels, whatever file they came in. */
  readonly content: string;
  /** Embeddings of encoders, in the order of the index. */
  readonly embeddings: readonly Float32Array[];
}

/** @param pixels height × width × 3 */
export function imageFeatures(pixels: Tensor<'uint8'>, embeddings: readonly Float32Array[] = []): ImageFeatures {
  return {
    vector: imageVector(pixels),
    hash: perceptualHash(pixels),
    thumbnail: thumbnailOf(pixels),
    keypoints: findKeypoints(pixels, keypointsOf.index),
    content: contentHash(hashedTensor(pixels)),
    embeddings,
  };
}

/** Features of many images, one image after the other. */
export interface FeatureBlock {
  readonly count: number;
  /** count × {@link vectorWidth} */
  readonly vectors: Float32Array;
  /** count × 2 */
  readonly hashes: Uint32Array;
  /** count × {@link thumbnailSize} */
  readonly thumbnails: Uint8Array;
  /** Where the keypoints of each image begin; one more than there are images. */
  readonly starts: Uint32Array;
  readonly places: Float32Array;
  readonly signatures: Uint32Array;
  /** Of each encoder, count × its width. */
  readonly embeddings: readonly Float32Array[];
}

export function blockOf(images: readonly ImageFeatures[]): FeatureBlock {
  const count = images.length;
  const starts = new Uint32Array(count + 1);
  for (const [i, { keypoints }] of images.entries()) starts[i + 1] = starts[i] + keypoints.count;
  const block = {
    vectors: new Float32Array(count * vectorWidth),
    hashes: new Uint32Array(2 * count),
    thumbnails: new Uint8Array(count * thumbnailSize),
    places: new Float32Array(3 * starts[count]),
    signatures: new Uint32Array(signatureWords * starts[count]),
    embeddings: (images[0]?.embeddings ?? []).map(({ length }) => new Float32Array(length * count)),
  };
  for (const [i, { vector, hash, thumbnail, keypoints, embeddings }] of images.entries()) {
    block.vectors.set(vector, i * vectorWidth);
    block.hashes.set(hash, 2 * i);
    block.thumbnails.set(thumbnail, i * thumbnailSize);
    block.places.set(keypoints.places, 3 * starts[i]);
    block.signatures.set(keypoints.signatures, signatureWords * starts[i]);
    for (const [e, embedding] of embeddings.entries()) block.embeddings[e].set(embedding, i * embedding.length);
  }
  return { count, starts, ...block };
}

/** Blocks as one. */
export function joinBlocks(blocks: readonly FeatureBlock[]): FeatureBlock {
  const count = blocks.reduce((sum, block) => sum + block.count, 0);
  const joined = <T extends Float32Array | Uint32Array | Uint8Array>(
    make: (size: number) => T,
    of: (block: FeatureBlock) => T,
  ): T => {
    const all = make(blocks.reduce((sum, block) => sum + of(block).length, 0));
    let at = 0;
    for (const block of blocks) {
      all.set(of(block), at);
      at += of(block).length;
    }
    return all;
  };
  const starts = new Uint32Array(count + 1);
  let [image, points] = [0, 0];
  for (const block of blocks) {
    for (let i = 0; i < block.count; i++) starts[image++] = points + block.starts[i];
    points += block.starts[block.count];
  }
  starts[count] = points;
  const floats = (size: number) => new Float32Array(size);
  const words = (size: number) => new Uint32Array(size);
  return {
    count,
    starts,
    vectors: joined(floats, ({ vectors }) => vectors),
    hashes: joined(words, ({ hashes }) => hashes),
    thumbnails: joined(
      (size) => new Uint8Array(size),
      ({ thumbnails }) => thumbnails,
    ),
    places: joined(floats, ({ places }) => places),
    signatures: joined(words, ({ signatures }) => signatures),
    embeddings: (blocks[0]?.embeddings ?? []).map((_, e) => joined(floats, ({ embeddings }) => embeddings[e])),
  };
}

const uint32 = (values: Uint32Array<ArrayBuffer>) => tensor('uint32', [values.length], values);

/** A block as the bytes of a `.safetensors` file. */
export function writeBlock(block: FeatureBlock): Uint8Array {
  const floats = (values: Float32Array) => float32([values.length], values);
  return writeSafetensors(
    new Map<string, Tensor>([
      ['vectors', floats(block.vectors)],
      ['hashes', uint32(block.hashes as Uint32Array<ArrayBuffer>)],
      ['thumbnails', tensor('uint8', [block.thumbnails.length], block.thumbnails as Uint8Array<ArrayBuffer>)],
      ['starts', uint32(block.starts as Uint32Array<ArrayBuffer>)],
      ['places', floats(block.places)],
      ['signatures', uint32(block.signatures as Uint32Array<ArrayBuffer>)],
      ...block.embeddings.map((values, e) => [`embeddings/${e}`, floats(values)] as const),
    ]),
  );
}

/** @throws WhereforeError `invalid-data` for a file of other shapes */
export function readBlock(bytes: Uint8Array, count: number, where: string): FeatureBlock {
  const { tensors } = readSafetensors(bytes, where);
  const read = <T>(name: string, type: string, size?: number): T => {
    const found = tensors.get(name);
    if (found?.type === type && (size === undefined || found.data.length === size)) return found.data as T;
    throw new WhereforeError('invalid-data', 'the index is damaged', {
      where: `${where}, ${name}`,
      got: found ? `${found.data.length} numbers of type ${found.type}` : 'nothing',
      expected: `${size ?? 'some'} numbers of type ${type}`,
      fix: 'make it anew: remove its folder and run `wherefore trace index`',
    });
  };
  const starts = read<Uint32Array>('starts', 'uint32', count + 1);
  const points = starts[count];
  const encoders = [...tensors.keys()].filter((name) => name.startsWith('embeddings/')).length;
  return {
    count,
    starts,
    vectors: read('vectors', 'float32', count * vectorWidth),
    hashes: read('hashes', 'uint32', 2 * count),
    thumbnails: read('thumbnails', 'uint8', count * thumbnailSize),
    places: read('places', 'float32', 3 * points),
    signatures: read('signatures', 'uint32', signatureWords * points),
    embeddings: Array.from({ length: encoders }, (_, e) => read(`embeddings/${e}`, 'float32')),
  };
}
