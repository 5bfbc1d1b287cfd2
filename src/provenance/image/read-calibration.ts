import type { Files } from '../../data/files/file-access.ts';
import { textIfPresent } from '../../data/files/file-text.ts';
import { WhereforeError } from '../../errors.ts';
import { within } from '../../paths.ts';
import { type Calibration, calibrationSchema } from './calibrate.ts';

/**
 * What the scores of an index of images mean, on disk or in a page; undefined where it was not measured yet.
 * @throws WhereforeError `invalid-data` for a damaged file, or one of an earlier version
 */
export async function readCalibrationIn(files: Files, folder: string): Promise<Calibration | undefined> {
  const path = within(folder, 'calibration.json');
  const text = await textIfPresent(files, path, 'index');
  if (text === undefined) return undefined;
  const fix = 'measure it anew: wherefore trace index DATA --out INDEX --calibrate';
  const known: number = calibrationSchema.shape.version.def.values[0];
  try {
    const parsed: unknown = JSON.parse(text);
    const { version } = (parsed ?? {}) as { version?: unknown };
    if (typeof version === 'number' && version < known)
      throw new WhereforeError('invalid-data', 'the calibration of the index lacks what is asked of images now', {
        where: path,
        got: `version ${version}`,
        expected: `version ${known}`,
        fix,
      });
    return calibrationSchema.parse(parsed);
  } catch (cause) {
    if (cause instanceof WhereforeError) throw cause;
    throw new WhereforeError('invalid-data', 'the calibration of the index is damaged', { where: path, fix, cause });
  }
}
