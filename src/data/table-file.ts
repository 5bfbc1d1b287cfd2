import { extname } from 'node:path';
import { WhereforeError } from '../errors.ts';
import { type CsvOptions, readCsv, readJsonLines } from './csv.ts';
import { readBytes, readText } from './files.ts';
import { readParquet } from './parquet.ts';
import type { Table } from './table.ts';

/**
 * Reads a table by its file's ending: .csv, .tsv (tabs), .jsonl or .ndjson, .parquet.
 * @throws WhereforeError for another ending, and as the readers do, with the file's name.
 */
export async function readTable(path: string, options: Omit<CsvOptions, 'where'> = {}): Promise<Table> {
  const where = path;
  switch (extname(path).toLowerCase()) {
    case '.csv':
      return readCsv(await readText(path), { ...options, where });
    case '.tsv':
      return readCsv(await readText(path), { delimiter: '\t', ...options, where });
    case '.jsonl':
    case '.ndjson':
      return readJsonLines(await readText(path), { ...options, where });
    case '.parquet':
      return readParquet(await readBytes(path), { ...options, where });
    default:
      throw new WhereforeError('invalid-argument', 'unknown kind of table', {
        where,
        got: `the ending "${extname(path)}"`,
        expected: '.csv, .tsv, .jsonl, .ndjson or .parquet',
      });
  }
}
