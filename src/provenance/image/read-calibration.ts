import type { Files } from '../../data/files/file-access.ts';
import { textIfPresent } from '../../data/files/file-text.ts';
import { WhereforeError } from '../../errors.ts';
import { within } from '../../paths.ts';
import { type Calibration, calibrationSchema } from './calibrate.ts';

/**
 * What the scores of an index of images mean, on disk or in a page; undefined where it was not measured yet.
 * @throws WhereforeError `invalid-data` for a damaged file
 */
export async function readCalibrationIn(files: Files, folder: string): Promise<Calibration | undefined> {
  const path = within(folder, 'calibration.json');
  const text = await textIfPresent(files, path, 'index');
  if (text === undefined) return undefined;
  try {
    return calibrationSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new WhereforeError('invalid-data', 'the calibration of the index is damaged', {
      where: path,
      fix: 'measure it anew: wherefore trace index DATA --out INDEX --calibrate',
      cause,
    });
  }
}
