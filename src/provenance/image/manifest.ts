import * as z from 'zod/mini';

const hash = z.string().check(z.regex(/^[0-9a-f]{64}$/));

/** An encoder whose embeddings an index holds. */
const encoder = z.strictObject({
  /** Name of its file. */
  name: z.string(),
  /** SHA-256 of the model. */
  model: hash,
  /** The value of its graph that is taken. */
  layer: z.string(),
  /** Numbers of an embedding. */
  width: z.int().check(z.minimum(1)),
});

export type IndexedEncoder = z.infer<typeof encoder>;

/** `index.json` of an index of images. */
export const imageManifest = z.strictObject({
  format: z.literal('wherefore/image-index'),
  version: z.literal(2),
  /** What the data was called when the index was begun. */
  name: z.string(),
  encoders: z.array(encoder),
  segments: z.array(
    z.strictObject({
      /** Its folder: the beginning of the hash of its items. */
      folder: z.string().check(z.regex(/^[0-9a-f]{16}$/)),
      items: z.int().check(z.minimum(1)),
      /** Items that were removed or replaced, by their number in the segment. */
      removed: z.array(z.int().check(z.minimum(0))),
    }),
  ),
});

export type ImageManifest = z.infer<typeof imageManifest>;

const indexedItem = z.strictObject({
  id: z.string(),
  /** SHA-256 of the file, as the data gave it. */
  hash,
  /** SHA-256 of the pixels. */
  content: hash,
  /** Where it came from. */
  place: z.string(),
  /** Height and width, in pixels. */
  size: z.tuple([z.int().check(z.minimum(1)), z.int().check(z.minimum(1))]),
  /** What the data says about it. */
  columns: z.record(z.string(), z.union([z.string(), z.number()])),
});

/** An image of an index. */
export type IndexedItem = z.infer<typeof indexedItem>;

/** `items.json` of a segment. */
export const segmentItems = z.array(indexedItem);
