import { endingOf } from '../../paths.ts';
import type { Files } from '../files/file-access.ts';
import { decodeText } from '../files/file-text.ts';
import { type CsvOptions, csvTable, readJsonLines } from '../formats/csv-table.ts';
import { readParquet } from '../formats/parquet.ts';
import type { Table } from '../formats/table.ts';
import type { LoadedModel } from '../model/loaded-model.ts';
import type { Preprocessing } from '../model/preprocessing.ts';
import type { ModelInput } from './model-input.ts';
import { evenly } from './row-selection.ts';
import { rowsAsInputs, rowsNamed, tableOf, typicalRows } from './rows-as-inputs.ts';
import { asTaken } from './tensor-input.ts';

type Reader = (content: Uint8Array, options: CsvOptions & { readonly where: string }) => Promise<Table>;

const csv: Reader = async (content, options) =>
  csvTable(decodeText(content, options.where), options, await import('csv-parse/browser/esm/sync'));
const jsonLines: Reader = async (content, options) => readJsonLines(decodeText(content, options.where), options);

/** Readers of tables without Node, by the file's ending. */
const readers: Readonly<Record<string, Reader>> = {
  '.csv': csv,
  '.tsv': (content, options) => csv(content, { delimiter: '\t', ...options }),
  '.jsonl': jsonLines,
  '.ndjson': jsonLines,
  '.parquet': readParquet,
};

/**
 * Rows of a table among files as inputs of a model, as `tableInputs` makes them of a file of Node.
 * @throws WhereforeError `invalid-argument` where the model does not say how a row becomes its input, or no row is named
 */
export async function rowsInFiles(
  files: Files,
  model: LoadedModel,
  { path, selection }: { readonly path: string; readonly selection: string | undefined },
  preprocessing: Preprocessing,
): Promise<ModelInput[]> {
  const { reading, name, input } = tableOf(path, preprocessing);
  const content = await files.read(path, 'table');
  const table = await readers[endingOf(path)](content, { ...reading, where: path });
  const indices = rowsNamed(table, path, selection);
  const sample = table.rowCount > 1 ? typicalRows(table, input, name, evenly(table.rowCount), path) : undefined;
  const rows = rowsAsInputs({ table, name, input }, path, { indices, hash: await files.hash(path, 'table'), sample });
  return rows.map((row) => ({
    ...row,
    tensors: asTaken(model, row.tensors, path),
    sample: row.sample && { ...row.sample, tensors: asTaken(model, row.sample.tensors, path) },
  }));
}
