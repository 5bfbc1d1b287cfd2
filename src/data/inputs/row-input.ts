import { WhereforeError } from '../../errors.ts';
import { hashOfFile } from '../files/file-hash.ts';
import { FileMemo } from '../files/file-memo.ts';
import type { ReadOptions } from '../files/open-file.ts';
import { readBytes } from '../files/read-file.ts';
import { readTable } from '../formats/table-file.ts';
import type { Preprocessing } from '../model/preprocessing.ts';
import type { ModelInput } from './model-input.ts';
import { evenly, selectedRows } from './row-selection.ts';
import { rowsAsInputs, rowsNamed, tableOf, typicalRows } from './rows-as-inputs.ts';

/**
 * Rows of a table file as inputs of a model: `people.csv#3`, each with other rows of the file as a sample of what is
 * usual there.
 * @param memo Keeps the file for further rows, with the same preprocessing. Default: none are asked for.
 * @throws WhereforeError `invalid-argument` when the model does not say how a row becomes its input, or no row is named
 */
export async function tableInputs(
  path: string,
  selection: string | undefined,
  preprocessing: Preprocessing,
  options: ReadOptions = {},
  memo: FileMemo = new FileMemo(),
): Promise<ModelInput[]> {
  const kept = <T>(what: string, make: () => Promise<T>) => memo.get(path, 'table', what, { make, place: options });
  const read = () => readDescribedTable(path, preprocessing, options);
  const described = await kept('described table', read);
  const { name, input, table } = described;
  const indices = rowsNamed(table, path, selection);
  const hash = await kept('hash', async () => hashOfFile([await readBytes(path, 'table', options)]));
  const typical = async () => typicalRows(table, input, name, evenly(table.rowCount), path);
  const sample = table.rowCount > 1 ? await kept('sample', typical) : undefined;
  return rowsAsInputs(described, path, { indices, hash, sample });
}

/**
 * Rows of a table file as a sample of baselines: `people.csv` (rows spread evenly over all), `people.csv#0-99`.
 * @throws WhereforeError as {@link tableInputs}
 */
export async function readTableSample(
  path: string,
  selection: string | undefined,
  preprocessing: Preprocessing,
): Promise<NonNullable<ModelInput['sample']>> {
  const { name, input, table } = await readDescribedTable(path, preprocessing);
  const indices = selection ? selectedRows(selection, path) : evenly(table.rowCount);
  const sample = typicalRows(table, input, name, indices, path);
  if (sample) return sample;
  throw new WhereforeError('invalid-data', 'every row lacks a value: none is left to compare with', {
    where: path,
    got: `${indices.length} rows`,
    fix: 'state another baseline, or what missing values become (missing: { fill: … })',
  });
}

async function readDescribedTable(path: string, preprocessing: Preprocessing, options: ReadOptions = {}) {
  const { reading, ...described } = tableOf(path, preprocessing);
  return { ...described, table: await readTable(path, { ...options, ...reading }) };
}
