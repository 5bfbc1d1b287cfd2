import * as z from 'zod/mini';

const hash = z.string().check(z.regex(/^[0-9a-f]{64}$/));

/** `index.json` of an index of texts: its segments, and what was removed from them. */
export const indexManifest = z.strictObject({
  format: z.literal('wherefore/text-index'),
  version: z.literal(1),
  segments: z.array(
    z.strictObject({
      /** Its folder: the beginning of the hash of its documents. */
      folder: z.string().check(z.regex(/^[0-9a-f]{16}$/)),
      /** Bytes of its texts. */
      bytes: z.int().check(z.minimum(1)),
      words: z.int().check(z.minimum(0)),
      documents: z.int().check(z.minimum(1)),
      /** Documents that were removed or replaced, by their number in the segment. */
      removed: z.array(z.int().check(z.minimum(0))),
    }),
  ),
});

export type IndexManifest = z.infer<typeof indexManifest>;
export type SegmentEntry = IndexManifest['segments'][number];

/** `documents.json` of a segment. */
export const segmentDocuments = z.array(z.strictObject({ id: z.string(), hash, place: z.string() }));

export type SegmentDocument = z.infer<typeof segmentDocuments>[number];
