import { WhereforeError } from '../../errors.ts';
import { rows as rowsOf, type Tensor } from '../../tensor/tensor.ts';
import { hashOfFile } from '../files/file-hash.ts';
import { FileMemo } from '../files/file-memo.ts';
import type { ReadOptions } from '../files/open-file.ts';
import { readBytes } from '../files/read-file.ts';
import { type Column, columnNamed, type Table } from '../formats/table.ts';
import { readTable } from '../formats/table-file.ts';
import type { Preprocessing, TableInput } from '../model/preprocessing.ts';
import type { FeatureGroups, ModelInput } from './model-input.ts';
import { evenly, selectedRows } from './row-selection.ts';
import { featuresOf, lacksValues, tableTensor, unknownCategories } from './table-input.ts';

type Encoding = TableInput['columns'][number];

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
  const { name, input, table } = await kept('described table', read);
  if (!selection && table.rowCount > 1) {
    throw new WhereforeError('invalid-argument', 'which row is to be explained?', {
      where: path,
      got: `${table.rowCount} rows`,
      fix: `name one or several: ${path}#0 or ${path}#0-9 or ${path}#3,17 (in a command also --row 3)`,
    });
  }
  const indices = selection ? selectedRows(selection, path) : [0];
  const tensor: Tensor = tableTensor(table, input, indices);
  const hash = await kept('hash', async () => hashOfFile([await readBytes(path, 'table', options)]));
  const typical = async () => typicalRows(table, input, name, evenly(table.rowCount), path);
  const sample = table.rowCount > 1 ? await kept('sample', typical) : undefined;
  return indices.map((row, i) => ({
    source: `${path}#${row}`,
    hash,
    tensors: new Map([[name, rowsOf(tensor, i, i + 1)]]),
    layout: {},
    features: describeRow(table, input, row),
    groups: groupsOf(table, input, row),
    sample,
    notes: unknownCategories(table, input, row),
  }));
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

const unnamedColumn = /^column \d+$/;

async function readDescribedTable(path: string, preprocessing: Preprocessing, options: ReadOptions = {}) {
  const described = Object.entries(preprocessing.inputs).filter(([, input]) => input.kind === 'table');
  if (described.length !== 1 || described[0][1].kind !== 'table') {
    throw new WhereforeError('invalid-argument', 'the model does not say how a row becomes its input', {
      where: path,
      fix: 'describe the columns in a wherefore.yaml beside the model (inputs: … kind: table)',
    });
  }
  const [name, input] = described[0];
  // Class numbers and codes read as numbers; the preprocessing knows better.
  const kinds = Object.fromEntries(
    input.columns.filter(({ encode }) => encode !== 'number').map(({ name }) => [name, 'category'] as const),
  );
  // A file without a header is described by the numbers of its columns.
  const header = !input.columns.every(({ name }) => unnamedColumn.test(name));
  return { name, input, table: await readTable(path, { ...options, kinds, header }) };
}

/** Undefined where every row lacks a value. */
function typicalRows(
  table: Table,
  input: TableInput,
  name: string,
  indices: readonly number[],
  path: string,
): ModelInput['sample'] {
  const file = path.split(/[\\/]/).pop() as string;
  const whole = indices.filter((row) => !lacksValues(table, input, row));
  if (whole.length === 0) return undefined;
  const left = indices.length - whole.length;
  const leftOut = left > 0 ? ` (${left} with missing values left out)` : '';
  return {
    tensors: new Map([[name, tableTensor(table, input, whole) as Tensor]]),
    description: `${whole.length === 1 ? 'another row' : `the average over ${whole.length} rows`} of ${file}${leftOut}`,
    texts: input.columns.map((encoding) => typicalText(columnNamed(table, encoding.name), encoding, whole)),
  };
}

/** Names and written values of the features of a row, in the model's order. */
function describeRow(table: Table, input: TableInput, row: number): NonNullable<ModelInput['features']> {
  const features = featuresOf(input);
  const texts = new Map(
    input.columns.map((encoding) => [encoding.name, writtenValue(columnNamed(table, encoding.name), encoding, row)]),
  );
  return {
    names: features.map(({ name }) => name),
    texts: features.map(({ column }) => texts.get(column) as string),
  };
}

/** The columns that features come from: a category of many features is one thing to a person. */
function groupsOf(table: Table, input: TableInput, row: number): FeatureGroups {
  const of = input.columns.flatMap((encoding, group) =>
    Array.from({ length: encoding.encode === 'onehot' ? encoding.categories.length : 1 }, () => group),
  );
  return {
    kind: 'columns',
    of,
    names: input.columns.map((encoding) => encoding.title ?? encoding.name),
    texts: input.columns.map((encoding) => writtenValue(columnNamed(table, encoding.name), encoding, row)),
  };
}

function writtenValue(column: Column, encoding: Encoding, row: number): string {
  const value = column.values[row];
  if (value === undefined || Number.isNaN(value)) {
    const fill = typeof encoding.missing === 'object' ? encoding.missing.fill : undefined;
    return fill === undefined || fill === 'missing' ? 'missing' : `missing, taken as ${written(fill, encoding)}`;
  }
  return written(value, encoding);
}

/** A value as a person reads it: logarithms undone, thousands grouped, the unit beside it. */
function written(value: number | string, encoding: Encoding): string {
  const { unit } = encoding;
  let text = String(value);
  if (typeof value === 'number' && encoding.encode === 'number') {
    const number = encoding.log10 ? 10 ** value : value;
    // Years keep their four digits together.
    text = number.toLocaleString('en', {
      maximumSignificantDigits: encoding.log10 ? 4 : 6,
      useGrouping: unit !== undefined || Math.abs(number) >= 10_000,
    });
  }
  if (!unit) return text;
  return /^\p{Sc}$/u.test(unit) ? `${unit}${text}` : unit === '%' ? `${text}%` : `${text} ${unit}`;
}

/** What is usual in a column: the median of numbers, the most frequent category with its share. */
function typicalText(column: Column, encoding: Encoding, indices: readonly number[]): string {
  if (column.kind === 'number') {
    const values = indices.map((i) => column.values[i]).filter((value) => !Number.isNaN(value));
    if (values.length === 0) return 'missing';
    values.sort((a, b) => a - b);
    const middle = values.length >> 1;
    const median = values.length % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    return `median ${written(median, encoding)}`;
  }
  const counts = new Map<string, number>();
  for (const i of indices) {
    const value = column.values[i] ?? 'missing';
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  const [[most, count]] = [...counts].sort(([, a], [, b]) => b - a);
  return `mostly ${written(most, encoding)} (${Math.round((100 * count) / indices.length)}%)`;
}
