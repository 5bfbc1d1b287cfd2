import { readText } from '../../data/files/read-file.ts';
import { WhereforeError } from '../../errors.ts';

/** The lines of a text file that are not empty. @throws WhereforeError `invalid-data` where there is none */
export async function linesOf(path: string, what: string): Promise<string[]> {
  const lines = (await readText(path, 'text')).split(/\r?\n/).filter((line) => line.trim() !== '');
  if (lines.length > 0) return lines;
  throw new WhereforeError('invalid-data', `the file holds no ${what}`, {
    where: path,
    expected: `a ${what} on each line`,
  });
}
