import { extname } from 'node:path';
import type { ReaderCache } from './blocks.ts';
import type { ByteRanges } from './byte-ranges.ts';
import { csvFile } from './csv-file.ts';
import type { DatasetOptions } from './dataset-options.ts';
import { openRanges } from './file-ranges.ts';
import { jsonLinesFile } from './json-lines-file.ts';
import { parquetFile } from './parquet-file.ts';
import { type TableFile, type TableRows, tableRows } from './table-rows.ts';

type Open = (ranges: ByteRanges, cache: ReaderCache, options: DatasetOptions) => Promise<TableFile>;

/** Openers of files of rows and columns, by the file's ending. */
const tableFiles: Readonly<Record<string, Open>> = {
  '.csv': csvFile,
  '.tsv': (ranges, cache, options) => csvFile(ranges, cache, { delimiter: '\t', ...options }),
  '.jsonl': jsonLinesFile,
  '.ndjson': jsonLinesFile,
  '.parquet': parquetFile,
};

export const tableEndings: ReadonlySet<string> = new Set(Object.keys(tableFiles));

/** Opens a file of rows and columns. @throws WhereforeError as the reader of its kind */
export async function openTable(path: string, options: DatasetOptions, cache: ReaderCache): Promise<TableRows> {
  const ranges = await openRanges(path, 'dataset', { inside: options.inside });
  const encoded = Object.values(options.preprocessing?.inputs ?? {}).flatMap((input) =>
    input.kind === 'table' ? input.columns : [],
  );
  // Class numbers and codes read as numbers; the preprocessing knows better.
  const kinds = Object.fromEntries(
    encoded.map(({ name, encode }) => [name, encode === 'number' ? ('number' as const) : ('category' as const)]),
  );
  const file = await tableFiles[extname(path).toLowerCase()](ranges, cache, options);
  return tableRows(file, { kinds: { ...kinds, ...options.kinds } });
}
