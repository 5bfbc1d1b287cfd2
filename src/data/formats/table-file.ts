import { extname } from 'node:path';
import { WhereforeError } from '../../errors.ts';
import type { ReadOptions } from '../files/open-file.ts';
import { readBytes, readText } from '../files/read-file.ts';
import { type CsvOptions, readCsv, readJsonLines } from './csv.ts';
import { readParquet } from './parquet.ts';
import type { Table } from './table.ts';

const readJsonLinesFile = async (path: string, options: CsvOptions & ReadOptions) =>
  readJsonLines(await readText(path, 'table', options), options);

/** Readers of files of tables, by the file's ending. */
export const tableReaders: Readonly<
  Record<string, (path: string, options: CsvOptions & ReadOptions) => Promise<Table>>
> = {
  '.csv': async (path, options) => readCsv(await readText(path, 'table', options), options),
  '.tsv': async (path, options) => readCsv(await readText(path, 'table', options), { delimiter: '\t', ...options }),
  '.jsonl': readJsonLinesFile,
  '.ndjson': readJsonLinesFile,
  '.parquet': async (path, options) => readParquet(await readBytes(path, 'table', options), options),
};

/**
 * Reads a table by its file's ending: .csv, .tsv (tabs), .jsonl or .ndjson, .parquet.
 * @throws WhereforeError for another ending, and as the readers do, with the file's name.
 */
export async function readTable(path: string, options: Omit<CsvOptions, 'where'> & ReadOptions = {}): Promise<Table> {
  const read = tableReaders[extname(path).toLowerCase()];
  if (read) return read(path, { ...options, where: path });
  throw new WhereforeError('invalid-argument', 'unknown kind of table', {
    where: path,
    got: `the ending "${extname(path)}"`,
    expected: Object.keys(tableReaders).join(', '),
  });
}
