import type { Dataset } from '../../dataset/dataset.ts';
import { openDataset } from '../datasets/open-dataset.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import type { Preprocessing } from '../model/preprocessing.ts';

/**
 * Inputs without labels for a model: a folder of images (sub-folders included, in alphabetical order), an IDX file of
 * images, or `.npy`, `.npz` and `.safetensors` arrays: as the model takes them, by input name where it takes several, or
 * uint8 N×H×W or N×H×W×3 as images.
 * @throws WhereforeError as {@link openDataset}; `invalid-argument` when the model does not say how an image becomes its
 *   input
 */
export function unlabelledInputs(path: string, model: LoadedModel, preprocessing: Preprocessing): Promise<Dataset> {
  return openDataset(path, { model, preprocessing, labels: 'none' });
}
