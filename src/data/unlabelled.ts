import { basename, extname } from 'node:path';
import { WhereforeError } from '../errors.ts';
import { requiredInputs } from '../onnx/graph.ts';
import { formatShape, type Tensor } from '../tensor/tensor.ts';
import { type Dataset, tensorDataset } from './dataset.ts';
import { pictureFiles, pixelDataset } from './datasets.ts';
import { isFolder } from './folders.ts';
import { readIdx } from './idx.ts';
import { picturesIn } from './image.ts';
import { describedImage } from './image-input.ts';
import type { LoadedModel } from './load-model.ts';
import type { Preprocessing } from './preprocessing.ts';
import { readBytes } from './read-file.ts';
import { tensorReaders } from './tensor-file.ts';

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
  if (await isFolder(path)) return pictureFiles(await picturesIn(path), describedImage(preprocessing, path));
  const bytes = await readBytes(path, 'tensors');
  const readTensors = tensorReaders[extname(path).toLowerCase()];
  if (readTensors) {
    const names = requiredInputs(model.graph).map(({ name }) => name);
    return fromArrays(readTensors(bytes, path), names, path, preprocessing);
  }
  return pixelDataset(readIdx(bytes, path), describedImage(preprocessing, path), { name: basename(path) });
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
  if (found.type === 'uint8') return pixelDataset(found, describedImage(preprocessing, path), { name: basename(path) });
  if (found.type !== 'float32') {
    throw new WhereforeError('invalid-data', 'an array of another type', {
      where: path,
      got: found.type,
      expected: 'float32 as the model takes it, or uint8 pictures',
    });
  }
  return tensorDataset({ [names[0]]: found }, { name: basename(path) });
}
