import { join } from 'node:path';
import { writeAtomically } from '../../data/files/files.ts';
import { nodeFiles } from '../../data/files/node-files.ts';
import type { Calibration } from './calibrate.ts';
import { readCalibrationIn } from './read-calibration.ts';

/** Keeps what the scores of an index mean, as `calibration.json` in its folder; written whole or not at all. */
export async function writeCalibration(folder: string, calibration: Calibration): Promise<void> {
  await writeAtomically(join(folder, 'calibration.json'), `${JSON.stringify(calibration)}\n`);
}

/**
 * What the scores of an index of images mean; undefined where it was not measured yet.
 * @throws WhereforeError `invalid-data` for a damaged file
 */
export const readCalibration = (folder: string): Promise<Calibration | undefined> =>
  readCalibrationIn(nodeFiles, folder);
