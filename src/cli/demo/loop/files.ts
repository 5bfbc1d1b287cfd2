import { join } from 'node:path';
import { type OpenedDataset, openDataset } from '../../../data/datasets/open-dataset.ts';
import { writeFolderAtomically } from '../../../data/files/files.ts';
import { writeNpy } from '../../../data/formats/npy.ts';
import { loadModel } from '../../../data/model/load-model.ts';
import type { LoadedModel } from '../../../data/model/loaded-model.ts';
import { formatPreprocessing } from '../../../data/model/preprocessing-yaml.ts';
import { encodeModel } from '../../../onnx/encode.ts';
import type { Runtime } from '../../../runtime/runtime.ts';
import { trainingFileNames } from '../../../train/index.ts';
import { loopNetwork, loopPreprocessing } from './network.ts';
import { drawRows, loopHeldOutRows, loopTable, loopTrainingRows } from './rows.ts';

/** Files of the loop's folder: with them every step can be done again by its command. */
export const loopFileNames = {
  ...trainingFileNames,
  rows: 'rows.npy',
  rowTable: 'rows.csv',
  heldOut: 'held-out.npy',
  heldOutTable: 'held-out.csv',
  checkpoints: 'checkpoints',
  decisions: 'decisions.jsonl',
  mended: 'mended.onnx',
  mistake: 'mistake.png',
  found: 'loop.json',
} as const;

/** Draws the rows, and writes them with the untrained network into a new folder. */
export async function writeLoop(folder: string): Promise<void> {
  const [rows, heldOut] = [loopTrainingRows(), loopHeldOutRows()];
  await writeFolderAtomically(folder, async (write) => {
    await write(loopFileNames.rows, writeNpy(await drawRows(rows)));
    await write(loopFileNames.rowTable, loopTable(rows, 'image'));
    await write(loopFileNames.heldOut, writeNpy(await drawRows(heldOut)));
    await write(loopFileNames.heldOutTable, loopTable(heldOut, 'test'));
    await write('wherefore.yaml', formatPreprocessing(loopPreprocessing));
    await write(loopFileNames.initial, encodeModel(loopNetwork(1)));
  });
}

/** The rows of the folder, as a model takes them. */
export async function openLoopRows(folder: string, model: LoadedModel): Promise<LoopData> {
  const open = (rows: string, labels: string) =>
    openDataset(join(folder, rows), { model, label: 'label', id: 'id', labels });
  return {
    data: await open(loopFileNames.rows, loopFileNames.rowTable),
    heldOut: await open(loopFileNames.heldOut, loopFileNames.heldOutTable),
    truth: loopTrainingRows().images.map(({ name }) => name),
  };
}

export interface LoopData {
  readonly data: OpenedDataset;
  /** In pairs: a drawing as it is, then with the emblem. */
  readonly heldOut: OpenedDataset;
  /** What each training image shows, which a reviewer sees. */
  readonly truth: readonly string[];
}

/** What the steps of the loop work with. */
export interface LoopTools {
  readonly folder: string;
  /** Where runs are kept. */
  readonly out: string;
  readonly started: Date;
  readonly runtime: Runtime;
  readonly signal: AbortSignal;
}

/** A model of the folder. */
export const loopModel = (folder: string, name: string): Promise<LoadedModel> => loadModel(join(folder, name));
