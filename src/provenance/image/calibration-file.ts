import { join } from 'node:path';
import { writeAtomically } from '../../data/files/files.ts';
import { readTextIfPresent } from '../../data/files/read-file.ts';
import { WhereforeError } from '../../errors.ts';
import { type Calibration, calibrationSchema } from './calibrate.ts';

const pathOf = (folder: string) => join(folder, 'calibration.json');

export async function writeCalibration(folder: string, calibration: Calibration): Promise<void> {
  await writeAtomically(pathOf(folder), `${JSON.stringify(calibration)}\n`);
}

/** @throws WhereforeError `invalid-data` for a damaged file; undefined where the index has none yet */
export async function readCalibration(folder: string): Promise<Calibration | undefined> {
  const text = await readTextIfPresent(pathOf(folder), 'index');
  if (text === undefined) return undefined;
  try {
    return calibrationSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new WhereforeError('invalid-data', 'the calibration of the index is damaged', {
      where: pathOf(folder),
      fix: 'measure it anew: wherefore trace index DATA --out INDEX --calibrate',
      cause,
    });
  }
}
