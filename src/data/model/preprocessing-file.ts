import { nodeFiles } from '../files/node-files.ts';
import type { ReadOptions } from '../files/open-file.ts';
import { readText } from '../files/read-file.ts';
import { labelsIn, preprocessingAt, preprocessingBeside } from './preprocessing-at.ts';
import type { LoadedPreprocessing } from './preprocessing-text.ts';

/** The preprocessing beside a model file on the disk, see {@link preprocessingBeside}. */
export function findPreprocessing(modelPath: string): Promise<LoadedPreprocessing | undefined> {
  return preprocessingBeside(nodeFiles, modelPath);
}

/**
 * Reads a `wherefore.yaml` and the label file that it names, which must lie below its folder.
 * @throws WhereforeError `file-not-found`, `file-unreadable`, `invalid-data`
 */
export function loadPreprocessing(path: string): Promise<LoadedPreprocessing> {
  return preprocessingAt(nodeFiles, path);
}

/** Class names by index, see {@link labelsIn}. @throws WhereforeError `invalid-data`; as `withFile` */
export async function readLabels(path: string, options: ReadOptions = {}): Promise<string[]> {
  return labelsIn(await readText(path, 'labels', options), path);
}
