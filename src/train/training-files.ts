import { decodeModel } from '../onnx/decode.ts';
import { encodeModel } from '../onnx/encode.ts';
import {
  type Materials,
  manifestOf,
  optionsOf,
  type RowIdentity,
  readManifest,
  type TrainingManifest,
} from './manifest.ts';
import type { TrainOptions } from './settings.ts';
import type { Trained } from './train.ts';

/** Names of the files that a training leaves in a folder; checkpoints lie in a folder of their own. */
export const trainingFileNames = { manifest: 'training.json', initial: 'initial.onnx', trained: 'model.onnx' } as const;

/** What a training leaves: its manifest, and the model before and behind it, by file name. */
export async function trainingFiles(
  options: TrainOptions,
  trained: Trained,
  data: RowIdentity = {},
): Promise<Map<string, Uint8Array>> {
  const manifest = `${JSON.stringify(await manifestOf(options, trained, data), undefined, 1)}\n`;
  return new Map([
    [trainingFileNames.initial, encodeModel(options.model)],
    [trainingFileNames.trained, encodeModel(trained.model)],
    [trainingFileNames.manifest, new TextEncoder().encode(manifest)],
  ]);
}

/**
 * The arguments of `train` that make a training again, from the files that it left.
 * @param read gives the bytes of a file by its name
 * @throws WhereforeError `invalid-data` when files or rows are not those of the training
 */
export async function openTraining(
  read: (name: string) => Promise<Uint8Array>,
  materials: Omit<Materials, 'model'>,
): Promise<{ readonly manifest: TrainingManifest; readonly options: TrainOptions }> {
  const { manifest: file, initial } = trainingFileNames;
  const manifest = readManifest(new TextDecoder().decode(await read(file)), file);
  const model = decodeModel(await read(initial));
  return { manifest, options: await optionsOf(manifest, { ...materials, model }) };
}
