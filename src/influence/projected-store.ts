import * as z from 'zod/mini';
import { checked } from '../checked.ts';
import type { Files } from '../data/files/file-access.ts';
import { textIfPresent } from '../data/files/file-text.ts';
import { readSafetensors } from '../data/formats/safetensors.ts';
import { WhereforeError } from '../errors.ts';
import { within } from '../paths.ts';
import { filesStorage } from '../run/files-storage.ts';
import { checkedShardFile, readRecord, type ShardRecord } from '../run/shard-records.ts';
import type { RunStorage } from '../run/storage.ts';
import { contentHash } from '../tensor/content-hash.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { GradientMaterial, TwoSided } from './gradient-material.ts';
import { projectedOtherwise, projectionsHash } from './projected-file.ts';
import type { ProjectedRows } from './projected-rows.ts';

/** The file of a shard of gradients. */
export const gradientFile = 'gradients.safetensors';

/** `projected.json` of a folder of projected gradients: what its shards are of. */
const storeFile = z.object({
  format: z.literal('wherefore/projected-gradients'),
  /** SHA-256 of the model. */
  model: z.string(),
  /** What tells the projections apart. */
  projections: z.string(),
  rows: z.int().check(z.minimum(1)),
  widths: z.array(z.int().check(z.minimum(1))),
  shards: z.int().check(z.minimum(1)),
});

type StoreFile = z.infer<typeof storeFile>;

/** Writes beside the shards of projected gradients what they are of, so that they are found where the rows are not. */
export async function describeProjected(
  storage: RunStorage,
  projections: readonly TwoSided[],
  of: Omit<StoreFile, 'format' | 'projections'>,
): Promise<void> {
  const path = 'projected.json';
  const [before, same] = [await storage.read(path), JSON.stringify(of)];
  // The folder is named after its projections: only the rows may be others now.
  if (before && new TextDecoder().decode(before).includes(same.slice(1, -1))) return;
  const format = 'wherefore/projected-gradients';
  const told: StoreFile = { format, projections: projectionsHash(projections), ...of };
  await storage.write(path, `${JSON.stringify(told)}\n`);
}

/** Projected gradients of training rows that `wherefore influence` keeps, opened where the rows are not. */
export interface ProjectedStore {
  readonly folder: string;
  readonly rows: number;
  readonly sets: readonly { readonly projections: string; readonly rows: ProjectedRows }[];
}

/**
 * Opens the gradients that `wherefore influence --store FOLDER` keeps of the training rows, in any files, such as those
 * of a page. Shards are read when a method asks for them, one after the other.
 * @param model SHA-256 of the model (`LoadedModel.hash`)
 * @throws WhereforeError `invalid-data` where the folder holds no projected gradients of this model, or is damaged
 */
export async function openProjectedStoreIn(files: Files, folder: string, model: string): Promise<ProjectedStore> {
  const found: { readonly told: StoreFile; readonly place: string }[] = [];
  for (const { name, isFolder } of await files.list(folder)) {
    const place = within(folder, name);
    const told = isFolder ? await readStoreFile(files, within(place, 'projected.json')) : undefined;
    if (told?.model === model) found.push({ told, place });
  }
  const [first] = found;
  if (!first)
    throw new WhereforeError('invalid-data', 'the folder holds no projected gradients of this model', {
      where: folder,
      fix: 'make them in Node: wherefore influence MODEL DATA QUERY --method logra --store FOLDER',
    });
  const { rows } = first.told;
  const other = found.find(({ told }) => told.rows !== rows);
  if (other)
    throw new WhereforeError('invalid-data', 'the folder holds gradients of different rows', {
      where: folder,
      got: `${rows} rows in ${first.place}, ${other.told.rows} in ${other.place}`,
      fix: 'name a folder with those of one data set',
    });
  return {
    folder,
    rows,
    sets: found.map(({ told, place }) => ({
      projections: told.projections,
      rows: storedRows(filesStorage(files, place), told),
    })),
  };
}

async function readStoreFile(files: Files, path: string): Promise<StoreFile | undefined> {
  const text = await textIfPresent(files, path, 'document');
  if (text === undefined) return undefined;
  try {
    const parsed = checked(storeFile, JSON.parse(text));
    if (parsed.success) return parsed.data;
  } catch {
    // Said below: what is no JSON is no such file either.
  }
  throw new WhereforeError('invalid-data', 'not what is said of projected gradients', {
    where: path,
    fix: 'remove it, and ask wherefore influence again',
  });
}

function storedRows(storage: RunStorage, { rows, widths, shards }: StoreFile): ProjectedRows {
  return {
    rows,
    widths,
    async *pieces() {
      for (let index = 0; index < shards; index++) {
        const { values, first } = await shardOf(storage, index);
        yield { first, values };
      }
    },
  };
}

async function shardOf(storage: RunStorage, index: number) {
  const record = await readRecord(storage, index);
  if (!record)
    throw new WhereforeError('invalid-data', 'a part of the gradients is missing', {
      where: `${storage.url}, part ${index}`,
      fix: 'copy the whole folder',
    });
  return projectedPiece(await checkedShardFile(storage, record, gradientFile, (bytes) => contentHash([bytes])), record);
}

/** The rows of a shard. */
export function projectedPiece(bytes: Uint8Array, { from }: Pick<ShardRecord, 'from'>) {
  const { shape, data } = readSafetensors(bytes).tensors.get('rows') as Tensor<'float32'>;
  return { first: from, values: { rows: shape[0], columns: shape[1], data } };
}

/**
 * Material whose projected training rows are those of a store; queries are still computed.
 * @throws WhereforeError when a method asks, `invalid-argument` where it projects in another way
 */
export function withProjectedStore(material: GradientMaterial, store: ProjectedStore): GradientMaterial {
  const project = async (projections: readonly TwoSided[]) => {
    const hash = projectionsHash(projections);
    const found = store.sets.find((one) => one.projections === hash);
    if (found) return found.rows;
    throw projectedOtherwise(store.folder);
  };
  return { ...material, rows: store.rows, project };
}
