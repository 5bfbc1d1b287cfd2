import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { WhereforeError } from '../errors.ts';
import { requiredInputs } from '../onnx/graph.ts';
import { concatRows, formatShape, type Tensor } from '../tensor/tensor.ts';
import { type Dataset, tensorDataset } from './dataset.ts';
import { type DatasetInput, pixelDataset } from './datasets.ts';
import { readBytes } from './files.ts';
import { readIdx } from './idx.ts';
import { imageExtensions, readImage } from './image.ts';
import { preprocessImage } from './image-input.ts';
import type { LoadedModel } from './load-model.ts';
import { readNpy } from './npy.ts';
import { readNpz } from './npz.ts';
import type { ImageInput, Preprocessing } from './preprocessing.ts';
import { readSafetensors } from './safetensors.ts';

/**
 * Inputs without labels for a model: a folder of pictures (sub-folders included, in alphabetical order), an IDX file of
 * pictures, or `.npy`, `.npz` and `.safetensors` arrays: float32 ones as the model takes them, uint8 N×H×W or N×H×W×3 as
 * pictures.
 * @throws WhereforeError `file-not-found`; `invalid-data` for a folder without pictures or an array that does not fit;
 *   `invalid-argument` when the model does not say how a picture becomes its input
 */
export async function unlabelledInputs(
  path: string,
  model: LoadedModel,
  preprocessing: Preprocessing,
): Promise<Dataset> {
  const facts = await stat(path).catch(() => undefined);
  if (facts?.isDirectory()) return pictureFolder(path, pictureInput(path, preprocessing));
  const bytes = await readBytes(path);
  const names = requiredInputs(model.graph).map(({ name }) => name);
  const extension = extname(path).toLowerCase();
  const arrays = (tensors: ReadonlyMap<string, Tensor>) => fromArrays(tensors, names, path, preprocessing);
  if (extension === '.npy') return arrays(new Map([['', readNpy(bytes, path)]]));
  if (extension === '.npz') return arrays(readNpz(bytes, path));
  if (extension === '.safetensors') return arrays(readSafetensors(bytes, path).tensors);
  return pixelDataset(readIdx(bytes, path), pictureInput(path, preprocessing), { name: basename(path) });
}

function fromArrays(
  tensors: ReadonlyMap<string, Tensor>,
  names: readonly string[],
  path: string,
  preprocessing: Preprocessing,
): Dataset {
  const only = tensors.size === 1 ? [...tensors.values()][0] : undefined;
  const found = names.length === 1 ? (tensors.get(names[0]) ?? only) : undefined;
  if (!found) {
    throw new WhereforeError('invalid-data', 'the arrays are not the inputs of the model', {
      where: path,
      got: [...tensors].map(([name, { shape }]) => `"${name}" ${formatShape(shape)}`).join(', '),
      expected: names.map((name) => `"${name}"`).join(', '),
    });
  }
  if (found.type === 'uint8') return pixelDataset(found, pictureInput(path, preprocessing), { name: basename(path) });
  if (found.type !== 'float32') {
    throw new WhereforeError('invalid-data', 'an array of another type', {
      where: path,
      got: found.type,
      expected: 'float32 as the model takes it, or uint8 pictures',
    });
  }
  return tensorDataset({ [names[0]]: found }, { name: basename(path) });
}

function pictureInput(where: string, { inputs }: Preprocessing): DatasetInput<ImageInput> {
  const pictures = Object.entries(inputs).flatMap(([name, input]) =>
    input.kind === 'image' ? [{ name, preprocessing: input }] : [],
  );
  if (pictures.length === 1) return pictures[0];
  throw new WhereforeError('invalid-argument', 'the model does not say how a picture becomes its input', {
    where,
    got: `${pictures.length} picture inputs`,
    fix: 'describe the input in a wherefore.yaml beside the model, or give float32 tensors as .npy',
  });
}

async function pictureFolder(path: string, input: DatasetInput<ImageInput>): Promise<Dataset> {
  const names = await readdir(path, { recursive: true });
  const files = names
    .filter((name) => imageExtensions.has(extname(name).toLowerCase()))
    .sort()
    .map((name) => join(path, name));
  if (files.length === 0) {
    throw new WhereforeError('invalid-data', 'the folder holds no pictures', {
      where: path,
      expected: [...imageExtensions].join(', '),
    });
  }
  return {
    length: files.length,
    inputs: async (indices) => {
      const prepared = await Promise.all(
        Array.from(indices, async (index) => preprocessImage(await readImage(files[index]), input.preprocessing)),
      );
      return { [input.name]: concatRows(prepared.map(({ tensor }) => tensor)) };
    },
    describe: (index) => files[index],
  };
}
