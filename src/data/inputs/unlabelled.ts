import { basename, extname } from 'node:path';
import { WhereforeError } from '../../errors.ts';
import { requiredInputs, type ValueInfo } from '../../onnx/graph.ts';
import { convert } from '../../tensor/convert.ts';
import { type DataType, formatShape, type Tensor } from '../../tensor/tensor.ts';
import { type Dataset, tensorDataset } from '../dataset.ts';
import { imageFiles, pixelDataset } from '../datasets.ts';
import { isFolder } from '../files/folders.ts';
import { readBytes } from '../files/read-file.ts';
import { readIdx } from '../formats/idx.ts';
import { imagesIn } from '../formats/image.ts';
import { tensorReaders } from '../formats/tensor-file.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import type { Preprocessing } from '../model/preprocessing.ts';
import { describedImage } from './image-input.ts';

/**
 * Inputs without labels for a model: a folder of images (sub-folders included, in alphabetical order), an IDX file of
 * images, or `.npy`, `.npz` and `.safetensors` arrays: as the model takes them, by input name where it takes several, or
 * uint8 N×H×W or N×H×W×3 as images.
 * @throws WhereforeError `file-not-found`; `invalid-data` for a folder without images or an array that does not fit;
 *   `invalid-argument` when the model does not say how an image becomes its input
 */
export async function unlabelledInputs(
  path: string,
  model: LoadedModel,
  preprocessing: Preprocessing,
): Promise<Dataset> {
  if (await isFolder(path)) return imageFiles(await imagesIn(path), describedImage(preprocessing, path));
  const bytes = await readBytes(path, 'tensors');
  const readTensors = tensorReaders[extname(path).toLowerCase()];
  if (readTensors) {
    return fromArrays(readTensors(bytes, path), model, path, preprocessing);
  }
  return pixelDataset(readIdx(bytes, path), describedImage(preprocessing, path), { name: basename(path) });
}

/** Arrays under the names of inputs, as many rows of each; a single one without such a name goes to the only input. */
function fromArrays(
  tensors: ReadonlyMap<string, Tensor>,
  model: LoadedModel,
  path: string,
  preprocessing: Preprocessing,
): Dataset {
  const inputs = requiredInputs(model.graph);
  const only = inputs.length === 1 && tensors.size === 1 ? [...tensors.values()][0] : undefined;
  const named: (readonly [ValueInfo | undefined, Tensor])[] = only
    ? [[inputs[0], only]]
    : [...tensors].map(([name, tensor]) => [inputs.find((input) => input.name === name), tensor]);
  const known = named.filter((pair): pair is readonly [ValueInfo, Tensor] => pair[0] !== undefined);
  if (known.length === 0 || (known.length < named.length && inputs.length > 1)) {
    throw new WhereforeError('invalid-data', 'the arrays are not the inputs of the model', {
      where: path,
      got: [...tensors].map(([name, { shape }]) => `"${name}" ${formatShape(shape)}`).join(', '),
      expected: inputs.map(({ name }) => `"${name}"`).join(', '),
    });
  }
  const [[first, array]] = known;
  if (known.length === 1 && array.type === 'uint8' && first.type !== 'uint8')
    return pixelDataset(array, describedImage(preprocessing, path), { name: basename(path) });
  const typed = known.map(([{ name, type = 'float32' }, tensor]) => [name, asTaken(tensor, type, name, path)] as const);
  return tensorDataset(Object.fromEntries(typed), { name: basename(path) });
}

/** An array in the element type of its input; numbers that another type holds as well are converted. */
function asTaken(tensor: Tensor, type: DataType, name: string, where: string): Tensor {
  const isFloat = (of: DataType) => of === 'float32' || of === 'float64';
  if (tensor.type === type || (isFloat(tensor.type) && isFloat(type))) return convert(tensor, type);
  throw new WhereforeError('invalid-data', `the array of input "${name}" has another type`, {
    where,
    got: tensor.type,
    expected: `${type} as the model takes it${type === 'float32' ? ', or uint8 images as the only array' : ''}`,
  });
}
