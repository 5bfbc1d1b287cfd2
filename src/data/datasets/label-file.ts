import { extname } from 'node:path';
import type { ColumnValue } from '../../dataset/dataset.ts';
import { range } from '../../dataset/pieces.ts';
import { WhereforeError } from '../../errors.ts';
import { toNumbers } from '../../tensor/convert.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { ReaderCache } from './blocks.ts';
import type { DatasetOptions } from './dataset-options.ts';
import { openRanges } from './file-ranges.ts';
import { openTable, tableEndings } from './open-table.ts';
import type { TableRows } from './table-rows.ts';
import { idxRows, tensorFiles } from './tensor-rows.ts';

/** What a file of labels says about the rows of a data set. */
export interface LabelFile {
  /** A value for each row. */
  readonly values: readonly ColumnValue[];
  /** What else the file says about the rows. */
  readonly columns: Readonly<Record<string, (indices: Uint32Array) => Promise<readonly ColumnValue[]>>>;
}

/**
 * Reads a file of labels: an array (IDX, `.npy`) or a table. A table names files in one of its columns where the rows
 * are files, and has a row for each otherwise.
 * @param names of the files; undefined for rows that are no files
 * @throws WhereforeError `wrong-shape` for another number of labels than rows; `invalid-data` for a table of other files
 */
export async function readLabelFile(
  path: string,
  rows: { readonly length: number; readonly names?: readonly string[] },
  options: DatasetOptions,
  cache: ReaderCache,
): Promise<LabelFile> {
  const ending = extname(path).toLowerCase();
  if (tableEndings.has(ending)) return labelTable(await openTable(path, options, cache), rows, options);
  const ranges = await openRanges(path, 'dataset', { inside: options.inside });
  const array = ending === '.npy' ? (await tensorFiles['.npy'](ranges, cache)).get('') : await idxRows(ranges, cache);
  const [count = 0, ...rest] = array?.shape ?? [];
  if (!array || rest.some((size) => size !== 1))
    throw new WhereforeError('wrong-shape', 'labels must be one number for each row', { where: path });
  if (count !== rows.length) throw wrongCount(path, count, rows.length);
  return { values: numbersOf(await array.read(range(0, count))), columns: {} };
}

/** The values of an array of labels. */
export function numbersOf(t: Tensor): readonly ColumnValue[] {
  return t.type === 'string' ? (t.data as string[]) : toNumbers(t);
}

async function labelTable(
  table: TableRows,
  { length, names }: { readonly length: number; readonly names?: readonly string[] },
  options: DatasetOptions,
): Promise<LabelFile> {
  const everyRow = range(0, table.length);
  const named = names && (await fileColumn(table, names));
  if (names && !named) throw ofOtherFiles(table, names);
  if (!named && table.length !== length) throw wrongCount(table.name, table.length, length);
  const others = table.columns.map(({ name }) => name).filter((name) => name !== named?.column);
  const label = options.label ?? (others.length === 1 ? others[0] : others.find((name) => labelNames.test(name)));
  if (label === undefined) {
    throw new WhereforeError('invalid-argument', 'which column holds the labels?', {
      where: table.name,
      got: others.join(', '),
      fix: `name it: label: ${others[0] ?? 'COLUMN'}`,
    });
  }
  const positions = named?.positions ?? everyRow;
  const values = await table.values(label, everyRow);
  const at = (indices: Uint32Array) => indices.map((index) => positions[index]);
  return {
    values: Array.from(positions, (place) => values[place]),
    columns: Object.fromEntries(
      others.map((name) => [name, (indices: Uint32Array) => table.values(name, at(indices))]),
    ),
  };
}

const labelNames = /^(label|class|category|target|y)s?$/i;

/** Forms in which a table may name a file: its path from the folder, its name, its name without the ending. */
const forms: readonly ((name: string) => string)[] = [
  (name) => name,
  (name) => name.slice(name.lastIndexOf('/') + 1),
  (name) => name.slice(name.lastIndexOf('/') + 1).replace(/[.][^.]*$/, ''),
];

/** The column that names all files, and the row of each file. */
async function fileColumn(
  table: TableRows,
  names: readonly string[],
): Promise<{ readonly column: string; readonly positions: Uint32Array } | undefined> {
  for (const { name: column, kind } of table.columns) {
    const values = await table.values(column, range(0, table.length));
    const known = new Map<string, number>();
    for (const [row, value] of values.entries()) if (value !== undefined) known.set(portable(value), row);
    for (const form of forms) {
      const found = names.map((name) => known.get(form(name)));
      const missing = found.indexOf(undefined);
      if (missing < 0) {
        checkOnce(
          values.map((value) => value && portable(value)),
          column,
          table.name,
        );
        return { column, positions: Uint32Array.from(found as number[]) };
      }
      const share = found.filter((row) => row !== undefined).length / names.length;
      if (kind !== 'number' && share > 0.5) {
        throw new WhereforeError('invalid-data', 'the file of labels does not name every file', {
          where: `${table.name}, column "${column}"`,
          got: `nothing about "${names[missing]}"`,
          expected: `${names.length} files`,
          fix: 'add it, or take it out of the folder',
        });
      }
    }
  }
  return undefined;
}

const portable = (value: ColumnValue): string =>
  String(value)
    .replaceAll('\\', '/')
    .replace(/^[.][/]/, '');

function checkOnce(values: readonly ColumnValue[], column: string, where: string): void {
  const seen = new Set<ColumnValue>();
  for (const value of values) {
    if (!seen.has(value)) seen.add(value);
    else
      throw new WhereforeError('invalid-data', 'the file of labels names a file twice', {
        where: `${where}, column "${column}"`,
        got: `"${value}"`,
        fix: 'keep one of the two rows',
      });
  }
}

function ofOtherFiles(table: TableRows, names: readonly string[]): WhereforeError {
  return new WhereforeError(
    'invalid-data',
    'the file of labels is of other files: no column names those of the folder',
    {
      where: table.name,
      got: table.columns.map(({ name }) => name).join(', '),
      expected: `a column with ${names
        .slice(0, 3)
        .map((name) => `"${name}"`)
        .join(', ')}${names.length > 3 ? ', …' : ''}`,
    },
  );
}

function wrongCount(where: string, got: number, expected: number): WhereforeError {
  return new WhereforeError('wrong-shape', 'another number of labels than there are rows', {
    where,
    got: `${got}`,
    expected: `${expected}`,
    fix: 'name the file of labels that belongs to these rows',
  });
}
