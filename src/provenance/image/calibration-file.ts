import { join } from 'node:path';
import { writeAtomically } from '../../data/files/files.ts';
import { nodeFiles } from '../../data/files/node-files.ts';
import type { Calibration } from './calibrate.ts';
import { readCalibrationIn } from './read-calibration.ts';

export async function writeCalibration(folder: string, calibration: Calibration): Promise<void> {
  await writeAtomically(join(folder, 'calibration.json'), `${JSON.stringify(calibration)}\n`);
}

/** @throws WhereforeError `invalid-data` for a damaged file; undefined where the index has none yet */
export const readCalibration = (folder: string): Promise<Calibration | undefined> =>
  readCalibrationIn(nodeFiles, folder);
