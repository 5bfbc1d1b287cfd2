import { basename, extname, join } from 'node:path';
import { rows, type Tensor, tensor } from '../../tensor/tensor.ts';
import { folderEntries } from '../files/folders.ts';
import type { ReadOptions } from '../files/open-file.ts';
import { readBytes } from '../files/read-file.ts';
import { readImage } from '../formats/image.ts';
import { type Colour, imageExtensions } from '../formats/image-type.ts';
import type { TensorRows } from './tensor-rows.ts';

/** Images of which some are read at a time, as they are. */
export interface ImageRows {
  readonly length: number;
  /** height × width × 3 each. @throws WhereforeError naming the image that cannot be read */
  read(indices: Uint32Array, background?: Colour): Promise<Tensor<'uint8'>[]>;
}

/** Files that are read and decoded side by side. */
const atOnce = 8;

/** Files of images. */
export function imageFiles(paths: readonly string[], options: ReadOptions = {}): ImageRows {
  return {
    length: paths.length,
    read: async (indices, background) => {
      const images = new Array<Tensor<'uint8'>>(indices.length);
      for (let start = 0; start < indices.length; start += atOnce) {
        const some = Array.from(indices.subarray(start, start + atOnce));
        const found = await Promise.all(
          some.map(async (index) => {
            const bytes = await readBytes(paths[index], 'image', options);
            return (await readImage(bytes, { background, name: paths[index] })).pixels;
          }),
        );
        for (const [i, pixels] of found.entries()) images[start + i] = pixels;
      }
      return images;
    },
  };
}

/** Bytes of files, one after the other. */
export async function eachFile<T>(
  paths: readonly string[],
  indices: ArrayLike<number>,
  options: ReadOptions,
  use: (bytes: Uint8Array) => T,
): Promise<T[]> {
  const found = new Array<T>(indices.length);
  for (let i = 0; i < indices.length; i++) found[i] = use(await readBytes(paths[indices[i]], 'image', options));
  return found;
}

/**
 * Images as an array, uint8 N×H×W (grey) or N×H×W×3.
 * @throws WhereforeError `wrong-shape`
 */
export function pixelRows(array: TensorRows): ImageRows {
  const [length, height, width, channels = 1] = array.shape;
  return {
    length,
    read: async (indices) => {
      const all = (await array.read(indices)) as Tensor<'uint8'>;
      return Array.from(indices, (_, i) =>
        tensor('uint8', [height, width, 3], rgbOf(rows(all, i, i + 1).data, channels)),
      );
    },
  };
}

/** Whether an array is one of images: bytes, with one or three channels last. */
export function holdsImages({ type, shape }: TensorRows): boolean {
  return type === 'uint8' && (shape.length === 3 || (shape.length === 4 && (shape[3] === 1 || shape[3] === 3)));
}

/** Pixels of three channels out of one or three. */
export function rgbOf(data: Uint8Array, channels: number): Uint8Array<ArrayBuffer> {
  if (channels === 3) return data.slice();
  const rgb = new Uint8Array(data.length * 3);
  for (let i = 0, out = 0; i < data.length; i++) {
    const value = data[i];
    rgb[out++] = value;
    rgb[out++] = value;
    rgb[out++] = value;
  }
  return rgb;
}

/** Files of a folder, and the sub-folder that each lies in where all lie in one. */
export interface FolderFiles {
  /** As the operating system names them. */
  readonly paths: readonly string[];
  /** From the folder, with `/` everywhere: their ids. */
  readonly names: readonly string[];
  /** The first part of each name; undefined where a file lies in the folder itself. */
  readonly folders: readonly string[] | undefined;
}

/** Files with some endings in a folder and below it, in alphabetical order. */
export async function filesBelow(folder: string, endings: ReadonlySet<string>): Promise<FolderFiles> {
  const paths: string[] = [];
  const names: string[] = [];
  let folders: string[] | undefined = [];
  for (const { name, isFolder } of await folderEntries(folder, { deep: true })) {
    if (isFolder || !endings.has(extname(name).toLowerCase()) || basename(name).startsWith('.')) continue;
    const portable = name.replaceAll('\\', '/');
    paths.push(join(folder, name));
    names.push(portable);
    const cut = portable.indexOf('/');
    if (cut < 0) folders = undefined;
    else folders?.push(portable.slice(0, cut));
  }
  return { paths, names, folders: paths.length > 0 ? folders : undefined };
}

export { imageExtensions };
