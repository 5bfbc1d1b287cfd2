import { basename, extname, join } from 'node:path';
import { WhereforeError } from '../errors.ts';
import { convert } from '../tensor/convert.ts';
import { concatRows, formatShape, int64, type Tensor, tensor } from '../tensor/tensor.ts';
import { checkLength, type Dataset, takeRows } from './dataset.ts';
import { folderEntries } from './files/folders.ts';
import { readBytes } from './files/read-file.ts';
import { readIdx } from './formats/idx.ts';
import { type Image, imageExtensions, readImage } from './formats/image.ts';
import { columnNamed, type Table } from './formats/table.ts';
import { preprocessImage } from './inputs/image-input.ts';
import { tableTensor } from './inputs/table-input.ts';
import type { ImageInput, TableInput } from './model/preprocessing.ts';

/** An input of a model and how it is made. */
export interface DatasetInput<P> {
  readonly name: string;
  readonly preprocessing: P;
}

/**
 * Images in memory as a dataset: uint8 N×H×W (grey) or N×H×W×3 (RGB).
 * @throws WhereforeError `wrong-shape`.
 */
export function pixelDataset(
  pixels: Tensor,
  input: DatasetInput<ImageInput>,
  options: { readonly labels?: Tensor; readonly classes?: readonly string[]; readonly name?: string } = {},
): Dataset {
  const { classes, name = 'image' } = options;
  const [length, height, width, channels = 1] = pixels.shape;
  if (pixels.type !== 'uint8' || pixels.shape.length < 3 || pixels.shape.length > 4 || ![1, 3].includes(channels)) {
    throw new WhereforeError('wrong-shape', 'not a set of images', {
      got: `${pixels.type} ${formatShape(pixels.shape)}`,
      expected: 'uint8 N×H×W or N×H×W×3',
    });
  }
  if (options.labels) checkLength('labels', options.labels, length);
  const labels = options.labels && convert(options.labels, 'int64');
  const image = (index: number) => {
    const data = takeRows(pixels as Tensor<'uint8'>, [index]).data;
    return tensor(
      'uint8',
      [height, width, 3],
      channels === 3 ? data : Uint8Array.from({ length: data.length * 3 }, (_, i) => data[Math.floor(i / 3)]),
    );
  };
  return {
    length,
    classes,
    inputs: (indices) => batched(indices, image, input),
    labels: labels && ((indices) => takeRows(labels, indices)),
    describe: (index) => `${name} ${index}`,
  };
}

/** A pair of IDX files (images and labels, gzipped or not) as a dataset. */
export async function idxDataset(
  paths: { readonly images: string; readonly labels?: string },
  input: DatasetInput<ImageInput>,
  classes?: readonly string[],
): Promise<Dataset> {
  const images = readIdx(await readBytes(paths.images, 'tensors'), paths.images);
  const labels = paths.labels ? readIdx(await readBytes(paths.labels, 'tensors'), paths.labels) : undefined;
  return pixelDataset(images, input, { labels, classes, name: basename(paths.images) });
}

/** Some images as one input of a model, batched in the order of `indices`. */
async function batched(
  indices: ArrayLike<number>,
  imageAt: (index: number) => Tensor<'uint8'> | Promise<Image>,
  { name, preprocessing }: DatasetInput<ImageInput>,
): Promise<Record<string, Tensor>> {
  const prepared = await Promise.all(
    Array.from(indices, async (index) => preprocessImage(await imageAt(index), preprocessing)),
  );
  return { [name]: concatRows(prepared.map(({ tensor }) => tensor)) };
}

/** Files of images as a dataset without labels; they are read when they are asked for. */
export function imageFiles(paths: readonly string[], input: DatasetInput<ImageInput>): Dataset {
  return {
    length: paths.length,
    inputs: (indices) =>
      batched(indices, (index) => readImage(paths[index], { background: input.preprocessing.background }), input),
    describe: (index) => paths[index],
  };
}

/**
 * A folder with a sub-folder of images for each class; classes and images in alphabetical order.
 * @throws WhereforeError `invalid-data` where there are no images, `file-not-found`.
 */
export async function imageFolder(path: string, input: DatasetInput<ImageInput>): Promise<Dataset> {
  const classes = (await folderEntries(path)).filter((entry) => entry.isFolder).map(({ name }) => name);
  const files: { readonly path: string; readonly label: number }[] = [];
  for (const [label, name] of classes.entries()) {
    const images = (await folderEntries(join(path, name))).filter((entry) =>
      imageExtensions.has(extname(entry.name).toLowerCase()),
    );
    for (const { name: file } of images) files.push({ path: join(path, name, file), label });
  }
  if (files.length === 0) {
    throw new WhereforeError('invalid-data', 'the folder holds no images of classes', {
      where: path,
      got: `${classes.length} sub-folders`,
      expected: `a sub-folder for each class with ${[...imageExtensions].join(', ')} files`,
    });
  }
  const labels = int64(
    [files.length],
    files.map(({ label }) => label),
  );
  return {
    ...imageFiles(
      files.map((file) => file.path),
      input,
    ),
    classes,
    labels: (indices) => takeRows(labels, indices),
  };
}

/**
 * A table as a dataset. A label column of categories becomes class numbers in the sorted order of its values; one of
 * numbers stays numbers (float32).
 * @throws WhereforeError `unknown-name`, and `invalid-data` for a missing label.
 */
export function tableDataset(table: Table, input: DatasetInput<TableInput>, label?: string): Dataset {
  const column = label === undefined ? undefined : columnNamed(table, label);
  const gap = column
    ? Array.from<number | string | undefined>(column.values).findIndex(
        (value) => value === undefined || Number.isNaN(value),
      )
    : -1;
  if (gap >= 0) {
    throw new WhereforeError('invalid-data', `column "${label}" has a missing label`, {
      where: `row ${gap + 1}`,
      fix: 'leave the row out',
    });
  }
  const classes = column && column.kind !== 'number' ? [...new Set(column.values as string[])].sort() : undefined;
  const number = new Map(classes?.map((name, i) => [name, i]));
  const labels =
    column?.kind === 'number'
      ? tensor('float32', [table.rowCount], Float32Array.from(column.values))
      : column &&
        int64(
          [table.rowCount],
          column.values.map((value) => number.get(value as string) as number),
        );
  return {
    length: table.rowCount,
    classes,
    inputs: async (indices) => ({ [input.name]: tableTensor(table, input.preprocessing, indices) }),
    labels: labels && ((indices) => takeRows<'float32' | 'int64'>(labels, indices)),
    describe: (index) => `row ${index + 1}`,
  };
}
