import { WhereforeError } from '../../errors.ts';
import { type ColumnOptions, columnOf, mostCells, type RawValue, requireRows, type Table } from './table.ts';

export interface CsvOptions extends ColumnOptions {
  /** true: the first line names the columns; a list: the names, and every line is data. Default true. */
  readonly header?: boolean | readonly string[];
  /** Default a comma. */
  readonly delimiter?: string;
  /** Quotation mark; false where quotation marks are ordinary letters. Default ". */
  readonly quote?: string | false;
  /** Name of the file, for messages. */
  readonly where?: string;
}

/** The package csv-parse, which has one build for Node and another for pages. */
export type CsvParser = Pick<typeof import('csv-parse/sync'), 'parse' | 'CsvError'>;

/**
 * Reads CSV text. Spaces around values and empty lines are dropped; kinds of columns as in {@link columnOf}.
 * Without names the columns are called `column 1`, `column 2`, ….
 * @throws WhereforeError `invalid-data` for an empty file, a line with too few or too many values, a quotation mark
 * that is not closed, two columns of one name: with the line.
 */
export function csvTable(text: string, options: CsvOptions, parser: CsvParser): Table {
  const where = options.where ?? 'csv';
  const lines = splitLines(text, options, where, parser);
  const [first] = lines;
  if (!first) throw new WhereforeError('invalid-data', 'the file is empty', { where, expected: 'at least one row' });
  const named = options.header ?? true;
  const names = (named === true ? first.record : named || first.record.map(() => '')).map(
    (name, i) => name || `column ${i + 1}`,
  );
  const seen = new Set<string>();
  const twice = names.find((name) => seen.size === seen.add(name).size);
  if (twice !== undefined) {
    throw new WhereforeError('invalid-data', `two columns are called "${twice}"`, {
      where: `${where}, line 1`,
      fix: 'rename one',
    });
  }
  const data = named === true ? lines.slice(1) : lines;
  for (const { record, line } of data) {
    if (record.length === names.length) continue;
    throw new WhereforeError('invalid-data', record.length < names.length ? 'too few values' : 'too many values', {
      where: `${where}, line ${line}`,
      got: `${record.length} values`,
      expected: `${names.length}, as ${named === true ? 'the header has' : 'there are columns'}`,
      fix: 'put values that contain the delimiter in quotation marks, or name another delimiter',
    });
  }
  const columns = names.map((name, i) =>
    columnOf(
      name,
      data.map(({ record }) => record[i]),
      options,
    ),
  );
  return requireRows({ columns, rowCount: data.length }, where);
}

/** Values are counted, roughly, before they are made: each takes many times the room that it has in the file. */
function checkCells(text: string, delimiter: string, where: string): void {
  let count = 0;
  for (const mark of [delimiter, '\n'].filter((one) => one !== '')) {
    for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + 1)) count++;
  }
  if (count <= mostCells) return;
  throw new WhereforeError('out-of-range', 'the table is too large to be read', {
    where,
    got: `${count} values`,
    expected: `at most ${mostCells}`,
    fix: 'give a file with the rows that matter',
  });
}

interface Line {
  readonly record: string[];
  /** Number of the line where the record ends. */
  readonly line: number;
}

function splitLines(
  text: string,
  { delimiter = ',', quote = '"' }: CsvOptions,
  where: string,
  { parse, CsvError }: CsvParser,
): Line[] {
  checkCells(text, delimiter, where);
  try {
    // The types of csv-parse do not know that `info` wraps each record.
    const records = parse(text, {
      delimiter,
      quote,
      bom: true,
      trim: true,
      skip_empty_lines: true,
      relax_column_count: true,
      info: true,
    }) as unknown as {
      record: string[];
      info: { lines: number };
    }[];
    return records.map(({ record, info }) => ({ record, line: info.lines }));
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    const line = (cause as { lines?: number }).lines;
    throw new WhereforeError('invalid-data', 'not CSV', {
      where: line ? `${where}, line ${line}` : where,
      got: cause.message.replace(/ at line .*/, '').replace(/^(.)/, (letter) => letter.toLowerCase()),
      fix: 'close the quotation mark, double those inside values, or set quote to false',
      cause,
    });
  }
}

/**
 * Reads JSON Lines: an object on every line, of texts, numbers, true, false and null. The columns are all the keys
 * that occur; a key that a line lacks is a missing value.
 * @throws WhereforeError `invalid-data` with the line.
 */
export function readJsonLines(text: string, options: ColumnOptions & { readonly where?: string } = {}): Table {
  const where = options.where ?? 'jsonl';
  const rows: Record<string, RawValue>[] = [];
  const names = new Set<string>();
  checkCells(text, ',', where);
  for (const [i, line] of text.split('\n').entries()) {
    if (!line.trim()) continue;
    const row = readLine(line, `${where}, line ${i + 1}`);
    for (const name of Object.keys(row)) names.add(name);
    rows.push(row);
  }
  const columns = [...names].map((name) =>
    columnOf(
      name,
      rows.map((row) => row[name]),
      options,
    ),
  );
  return requireRows({ columns, rowCount: rows.length }, where);
}

function readLine(line: string, where: string): Record<string, RawValue> {
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch (cause) {
    throw new WhereforeError('invalid-data', 'not JSON', {
      where,
      got: line.trim().slice(0, 60),
      expected: 'one object on each line',
      cause,
    });
  }
  if (typeof row !== 'object' || row === null || Array.isArray(row)) {
    throw new WhereforeError('invalid-data', 'not an object', {
      where,
      got: line.trim().slice(0, 60),
      expected: '{"column": value, …}',
    });
  }
  for (const [name, value] of Object.entries(row)) {
    if (typeof value === 'object' && value !== null) {
      throw new WhereforeError('invalid-data', `the value of "${name}" is a list or an object`, {
        where,
        expected: 'a text, a number, true, false or null',
        fix: 'flatten it into columns',
      });
    }
  }
  return row as Record<string, RawValue>;
}
