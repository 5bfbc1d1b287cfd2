import type { OpenedDataset } from '../../data/datasets/open-dataset.ts';
import { WhereforeError } from '../../errors.ts';
import { blockOf, type ImageFeatures, imageFeatures, writeBlock } from './features.ts';
import { type Encoder, embedAll } from './image-encoder.ts';
import type { IndexedItem } from './manifest.ts';

/** Items of a data set of images, with their features as the bytes of a block. */
export interface IndexedShard {
  readonly items: readonly IndexedItem[];
  readonly features: Uint8Array;
}

/** The images of a data set. @throws WhereforeError `invalid-argument` where its rows are something else */
export function imagesOf(data: OpenedDataset) {
  if (data.contents.kind === 'image') return data.contents.images;
  throw new WhereforeError('invalid-argument', 'the data holds no images', {
    where: data.path,
    got: `rows of kind ${data.contents.kind}`,
    fix: 'give a folder of images, an array of them, or a table with a column of their files',
  });
}

/** Computes what an index keeps of some images. */
export async function indexShard(
  data: OpenedDataset,
  indices: Uint32Array,
  encoders: readonly Encoder[],
  report: (done: number) => void = () => undefined,
): Promise<IndexedShard> {
  const images = imagesOf(data);
  const [ids, hashes] = [await data.ids(indices), await data.hashes(indices)];
  const known = new Map<string, readonly (string | number | undefined)[]>();
  for (const name of data.columns) known.set(name, await data.column(name, indices));
  const items: IndexedItem[] = [];
  const features: ImageFeatures[] = [];
  for (const [i, index] of indices.entries()) {
    const [pixels] = await images.read(Uint32Array.of(index));
    const found = imageFeatures(pixels, await embedAll(encoders, pixels));
    const columns: Record<string, string | number> = {};
    for (const [name, values] of known) if (values[i] !== undefined) columns[name] = values[i];
    const folder = classOf(data, index);
    // With metadata the class is one of its columns, which are there already.
    if (folder !== undefined && !Object.values(columns).includes(folder)) columns.folder = folder;
    const [height, width] = pixels.shape;
    items.push({
      id: ids[i],
      hash: hashes[i],
      content: found.content,
      place: data.describe(index),
      size: [height, width],
      columns,
    });
    features.push(found);
    report(i + 1);
  }
  return { items, features: writeBlock(blockOf(features)) };
}

/** The sub-folder that an image lies in, where all lie in one: an artist, a licence, a source. */
function classOf({ classes, labels }: OpenedDataset, index: number): string | undefined {
  return classes && labels?.type === 'int64' ? classes[Number(labels.data[index])] : undefined;
}
