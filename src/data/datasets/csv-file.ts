import { WhereforeError } from '../../errors.ts';
import type { RawValue } from '../formats/table.ts';
import { Blocks, type ReaderCache } from './blocks.ts';
import type { ByteRanges } from './byte-ranges.ts';
import { csvFields } from './csv-fields.ts';
import { findRecords } from './lines.ts';
import type { TableFile } from './table-rows.ts';

export interface CsvFileOptions {
  /** Default a comma. */
  readonly delimiter?: string;
  /** true: the first record names the columns; false: they are called `column 1`, …; a list: their names. Default true. */
  readonly header?: boolean | readonly string[];
}

/**
 * A CSV file of which records are read when they are asked for: one pass finds where they begin.
 * @throws WhereforeError `invalid-data` for an empty file, two columns of one name, and at a read for a record with too
 *   few or too many values
 */
export async function csvFile(
  ranges: ByteRanges,
  cache: ReaderCache,
  { delimiter = ',', header = true }: CsvFileOptions = {},
): Promise<TableFile> {
  const where = ranges.name;
  const records = await findRecords(ranges, new Blocks(ranges, cache), { quoted: true });
  if (records.count === 0) throw new WhereforeError('invalid-data', 'the file is empty', { where });
  const [first] = await records.read([0]);
  const head = csvFields(first, delimiter, `${where}, record 1`);
  const names = (header === true ? head : header || head.map(() => '')).map((name, i) => name || `column ${i + 1}`);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new WhereforeError('invalid-data', `two columns are called "${twice}"`, { where, fix: 'rename one' });
  const skipped = header === true ? 1 : 0;
  const length = records.count - skipped;
  if (length === 0) throw new WhereforeError('invalid-data', 'the file has a header and no rows', { where });
  return {
    name: where,
    length,
    columnNames: names,
    read: async (columns, indices) => {
      const positions = columns.map((name) => names.indexOf(name));
      const texts = await records.read(indices.map((index) => index + skipped));
      const found = columns.map(() => new Array<RawValue>(indices.length));
      for (const [i, text] of texts.entries()) {
        const place = `${where}, row ${indices[i]}`;
        const fields = csvFields(text, delimiter, place);
        if (fields.length !== names.length) throw wrongCount(fields.length, names.length, place);
        for (const [c, at] of positions.entries()) found[c][i] = fields[at];
      }
      return new Map(columns.map((name, c) => [name, found[c]]));
    },
  };
}

function wrongCount(got: number, expected: number, where: string): WhereforeError {
  return new WhereforeError('invalid-data', got < expected ? 'too few values' : 'too many values', {
    where,
    got: `${got} values`,
    expected: `${expected}, as the table has columns`,
    fix: 'put values that contain the delimiter in quotation marks, or name another delimiter',
  });
}
