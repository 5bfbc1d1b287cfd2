import { resolve } from 'node:path';
import * as z from 'zod/mini';
import { type OpenedDataset, openDataset } from '../data/datasets/open-dataset.ts';
import { closeAll, openEncoders } from '../provenance/image/encoder.ts';
import { indexShard } from '../provenance/image/index-shard.ts';
import type { ShardProgram } from '../run/shard.ts';
import { mapped } from '../tensor/filled.ts';

/** How the data of an index is opened. */
export const imageDataOptions = z.object({
  path: z.string(),
  metadata: z.optional(z.string()),
  id: z.optional(z.string()),
  image: z.optional(z.string()),
});

export type ImageDataOptions = z.infer<typeof imageDataOptions>;

const parameters = z.object({
  data: imageDataOptions,
  encoders: z.array(z.object({ model: z.string(), layer: z.optional(z.string()), hash: z.string() })),
});

export type TraceIndexParameters = z.infer<typeof parameters>;

/** Rows to index, with what tells their contents apart. */
export const rowsToIndex = z.array(z.object({ index: z.int().check(z.minimum(0)), id: z.string(), hash: z.string() }));

/** Files of a shard. */
export const indexFiles = { items: 'items.json', features: 'features.safetensors' } as const;

/** `trace index`: the features of a range of the images that an index lacks. */
export const traceIndexProgram: ShardProgram = {
  version: 2,
  async open({ work, threads, blob, file }) {
    const { data, encoders: chosen } = parameters.parse(work.parameters);
    const rows = rowsToIndex.parse(JSON.parse(new TextDecoder().decode(await blob(work.data as string))));
    const path = await file(data.path);
    const metadata = data.metadata && (await file(data.metadata));
    const dataset = await openImages({ ...data, path, metadata });
    const encoders = await openEncoders(
      await Promise.all(chosen.map(async ({ model, layer }) => ({ model: await file(model), layer }))),
      threads,
    );
    return {
      async compute({ from, to }, report) {
        const began = performance.now();
        const indices = mapped(Uint32Array, rows.slice(from, to), ({ index }) => index);
        const { items, features } = await indexShard(dataset, indices, encoders, report);
        const seconds = (performance.now() - began) / 1000;
        const files = {
          [indexFiles.items]: new TextEncoder().encode(JSON.stringify(items)),
          [indexFiles.features]: features,
        };
        return { files, cost: { forward: indices.length * encoders.length, backward: 0, seconds } };
      },
      close: () => closeAll(encoders),
    };
  },
};

/** Opens images with all that is known about them; a table beside them names their files in one of its columns. */
export async function openImages({ path, metadata, id, image }: ImageDataOptions): Promise<OpenedDataset> {
  if (metadata === undefined) return openDataset(path, { kind: 'image', id, image });
  const { columns } = await openDataset(metadata, { kind: 'table' });
  // One column has to be the label; all of them are kept as columns.
  return openDataset(path, { kind: 'image', id, image, labels: resolve(metadata), label: columns.at(-1) });
}
